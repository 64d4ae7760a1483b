"""The loop on plain torch: any module, any loss, the same result however the work is split."""
