"""Other people's trainers, whose runs become entries too."""
