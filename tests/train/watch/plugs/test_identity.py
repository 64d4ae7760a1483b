from adapterhub.train.watch.plugs.identity import identity


def test_a_run_that_goes_on_keeps_its_name_and_a_new_one_gets_its_own(tmp_path):
    names = iter("abc")
    path = tmp_path / "run" / "mlflow"
    assert identity(path, 0, names.__next__) == "a"
    assert identity(path, 7, names.__next__) == "a"
    assert identity(path, 0, names.__next__) == "b"
    path.unlink()
    assert identity(path, 7, names.__next__) == "c"
