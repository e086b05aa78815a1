from benchmarks.imports import by_package, package
from tests.servers import ROOT


class TestImports:
    def test_are_the_package_s_whose_file_it_is(self) -> None:
        assert package("/x/lib/python3.11/site-packages/django/db/models.py") == "django"
        assert package(f"{ROOT}/gateway/rsgi.py") == "gateway"
        assert package("<frozen importlib._bootstrap>") == "python"

    def test_are_summed_up_by_package(self) -> None:
        held = {"/a/site-packages/django/a.py": 2, "/a/site-packages/django/b.py": 3, "/usr/lib/python3.11/json.py": 1}

        assert by_package(held) == {"django": 5, "python": 1}
