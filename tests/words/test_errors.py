"""The exit codes are part of the interface."""

from adapterhub import errors


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = {name: getattr(errors, name).code for name in errors.__all__}
    assert codes == {
        "AdapterHubError": 1,
        "WrongUsage": 2,
        "NotFound": 3,
        "BadReference": 4,
        "Corrupt": 5,
        "DoesNotFit": 6,
        "Refused": 7,
        "Unreachable": 8,
        "Conflict": 9,
    }


def test_a_message_is_for_logs_and_a_hint_for_people() -> None:
    error = errors.NotFound("ada/poet: no such adapter", hint="adapterhub list")
    assert (str(error), error.hint) == ("ada/poet: no such adapter", "adapterhub list")
