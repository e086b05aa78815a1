"""Whatever an operator's command is pointed at, it reads no more of it than it can use."""

from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from gateway.values.errors import Invalid
from gateway.values.text_files import LARGEST, read_text, read_text_or_zip


class TestAFile:
    def test_is_read_without_its_byte_order_mark(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(b"\xef\xbb\xbfsymbol\n\xe2\x82\xb9")

        assert read_text(path) == "symbol\n₹"

    def test_of_just_the_limit_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(b"x" * LARGEST)

        assert len(read_text(path)) == LARGEST

    def test_beyond_the_limit_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(b"x" * (LARGEST + 1))

        with pytest.raises(Invalid, match="larger than 16 MiB"):
            read_text(path)

    def test_without_an_end_is_refused(self) -> None:
        with pytest.raises(Invalid, match="zero cannot be used"):
            read_text(Path("/dev/zero"))

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"a\nb\xff", "is not UTF-8: line 2 contains the byte 0xff"),
            (b"a\0b", "contains NUL characters"),
            (b"\xed\xa0\x80", "is not UTF-8: line 1 contains the byte 0xed"),
        ],
    )
    def test_that_is_no_text_is_refused(self, tmp_path: Path, content: bytes, sentence: str) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(content)

        with pytest.raises(Invalid, match=sentence):
            read_text(path)

    def test_that_is_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="cannot be read: Is a directory"):
            read_text(tmp_path)


def zipped(*contents: bytes) -> bytes:
    raw = BytesIO()
    with ZipFile(raw, "w", ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.csv", content)
    return raw.getvalue()


class TestAnArchive:
    @pytest.mark.parametrize("content", [b"symbol", zipped(b"symbol")])
    def test_is_read_like_its_only_file(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a").write_bytes(content)

        assert read_text_or_zip(tmp_path / "a") == "symbol"

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (zipped(b"a", b"b"), "must contain one file"),
            (zipped(b"symbol")[:40], "cannot be unzipped"),
            (zipped(b"symbol")[:37] + b"\xff\xff" + zipped(b"symbol")[39:], "cannot be unzipped"),
            (zipped(b" " * (LARGEST + 1)), "larger than 16 MiB"),
            (zipped(b"a\xff"), "is not UTF-8"),
        ],
        ids=["two files", "cut", "damaged", "a bomb", "no text"],
    )
    def test_that_cannot_be_used_is_refused(self, tmp_path: Path, content: bytes, sentence: str) -> None:
        (tmp_path / "a").write_bytes(content)

        with pytest.raises(Invalid, match=sentence):
            read_text_or_zip(tmp_path / "a")
