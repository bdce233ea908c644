"""The pictures of the documentation are drawn from what is deployed."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

import pytest

from tests.infra import resources_picture, workbook_picture
from tests.infra.evaluated import Evaluated
from tests.infra.kql import Parsed
from tests.infra.pictures import RESOURCES, WORKBOOK

REMEDY = "run `python -m tests.infra.pictures`, look at it, and commit it"


def test_the_picture_of_the_resources_is_fresh() -> None:
    """It is drawn from the committed snapshot of prod."""
    assert resources_picture.draw(resources_picture.source()) == RESOURCES.read_text(encoding="utf-8"), REMEDY


def test_the_outline_of_the_workbook_is_fresh(parsed: Mapping[str, Parsed]) -> None:
    """With the columns that the queries answer with."""
    drawn = workbook_picture.draw(resources_picture.source(), parsed)
    assert drawn == WORKBOOK.read_text(encoding="utf-8"), REMEDY


def test_nothing_is_left_out() -> None:
    """A resource of a new type is no part of the picture before somebody says where."""
    prod = resources_picture.source()
    new = {"id": "/x", "type": "Microsoft.New/things", "name": "x"}
    with pytest.raises(ValueError, match=r"Microsoft\.New/things"):
        resources_picture.draw(Evaluated({**prod.snapshot, "predictedResources": [*prod.resources, new]}))


@pytest.mark.parametrize("path", [RESOURCES, WORKBOOK], ids=lambda path: path.stem)
def test_text_stays_within_the_picture(path: object) -> None:
    """By a wide measure of a character; and the picture is told in words for who cannot see it."""
    root = ET.parse(str(path)).getroot()  # noqa: S314 - our own file
    name = "{http://www.w3.org/2000/svg}"
    width = float(root.attrib["viewBox"].split()[2])
    for text in root.iter(f"{name}text"):
        left = float(text.attrib["x"])
        assert left + 7.9 * len(text.text or "") * ("end" not in text.attrib.get("text-anchor", "")) <= width, text.text
    assert root.find(f"{name}desc") is not None
