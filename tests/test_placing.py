"""`onecloak places`: names of places read in from the command line, and files that are not right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import placing
from bot.placing import BadFile, read_places

ROOT = Path(__file__).parent.parent


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in an empty folder, with no settings but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ONECLOAK_")}
    return subprocess.run(
        [sys.executable, "-m", "bot", "places", *arguments],
        cwd=folder, env={**kept, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_a_country_is_loaded_once_and_again(tmp_path: Path) -> None:
    first = run(tmp_path, "load", ONECLOAK_COUNTRY="AD")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("AD: ")
    assert "CC BY 4.0" in first.stdout
    assert run(tmp_path, "load", "ad").stdout == first.stdout


def test_without_a_country_the_operator_is_told_what_to_set(tmp_path: Path) -> None:
    done = run(tmp_path, "load")
    assert done.returncode == 1
    assert "ONECLOAK_COUNTRY" in done.stderr
    assert (
        run(tmp_path, "load", "XX").stderr
        == "One Cloak cannot go on: XX is no country that GeoNames knows.\n"
    )


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "name,latitude,longitude\nVallcarca,41.4125,2.142\nLa Salut,41.41,2.155\n"
    )
    assert run(tmp_path, "import", "own.csv").stdout == "2 places read, 2 of them new.\n"
    assert run(tmp_path, "import", "own.csv").stdout == "2 places read, 0 of them new.\n"
    wrong = run(tmp_path, "import", "none.csv")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (1, False)


# --- files ----------------------------------------------------------------------------------------


def written(folder: Path, text: str) -> Path:
    path = folder / "places"
    path.write_text(text, encoding="utf-8")
    return path


def collection(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


def feature(shape: str, coordinates: object, **properties: object) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": shape, "coordinates": coordinates},
    }


def test_a_csv_file_has_names_in_several_languages(tmp_path: Path) -> None:
    text = "Name,Latitude,Longitude,Kind,Aliases,name:es\nEscola,41.40,2.16,school,Cole|The School,Escuela\n"
    (entry,) = read_places(written(tmp_path, text))
    assert (entry.name, entry.latitude, entry.longitude, entry.kind) == ("Escola", 41.40, 2.16, "school")
    assert entry.names == (("Cole", ""), ("The School", ""), ("Escuela", "es"))


def test_an_area_of_geojson_stands_at_its_middle(tmp_path: Path) -> None:
    square = [[[2.0, 41.0], [2.2, 41.0], [2.2, 41.2], [2.0, 41.2], [2.0, 41.0]]]
    far_corner = [[[3.0, 43.0], [3.01, 43.0], [3.01, 43.01], [3.0, 43.0]]]
    text = collection(
        feature("Polygon", square, name="Barri", alt_name="Quarter;Barrio", **{"name:es": "El barrio"}),
        feature("MultiPolygon", [far_corner, square], name="Two"),
        feature("Point", [2.16, 41.4, 12.0], name="Hub", kind="hub"),
    )
    area, two, point = read_places(written(tmp_path, text))
    assert (area.latitude, area.longitude) == pytest.approx((41.1, 2.1))
    assert area.names == (("Quarter", ""), ("Barrio", ""), ("El barrio", "es"))
    assert (two.latitude, two.longitude) == pytest.approx((41.1, 2.1))
    assert (point.latitude, point.longitude, point.kind) == (41.4, 2.16, "hub")


def test_an_id_keeps_a_place_the_same_when_it_moves(tmp_path: Path) -> None:
    before, after = (
        read_places(written(tmp_path, f"id,name,latitude,longitude\n7,Hub,{at},2.1\n"))[0]
        for at in (41.1, 41.2)
    )
    assert before.id == after.id < 0
    assert before.latitude != after.latitude


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: the column name is missing."),
        ("name,latitude\nX,1\n", "line 1: the column longitude is missing."),
        ("name,latitude,longitude\n", "the file has no places."),
        ("name,latitude,longitude\nA,41,2\nB,north,2\n", "line 3: the latitude is not a number."),
        ("name,latitude,longitude\n,41,2\n", "line 2: the name is missing."),
        ("name,latitude,longitude\nA,41,\n", "line 2: the longitude is not a number."),
        ("name,latitude,longitude\nA,0,0\n", "line 2: the place is not on the earth"),
        ("name,latitude,longitude\nA,nan,2\n", "line 2: the place is not on the earth"),
        ("{", "the file is not JSON."),
        ('{"type": "Feature"}', "the file is not a GeoJSON FeatureCollection."),
        (collection(), "the file has no places."),
        (collection(feature("Point", [2.1, 41.4])), "feature 1: the name is missing."),
        (collection(feature("Point", [141.4, 100.0], name="x")), "feature 1: the place is not on the earth"),
        (collection(feature("Point", [2.1, 41.4], name="x"), None), "feature 2: its geometry is not"),
        (collection(feature("Polygon", [[[1, 1], [1, 1]]], name="x")), "feature 1: its geometry is not"),
        (collection(feature("LineString", [[1, 1], [2, 2]], name="x")), "feature 1: its geometry is not"),
    ],
)
def test_a_wrong_file_is_one_sentence_that_says_where(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_places(written(tmp_path, text))
    assert sentence in str(caught.value)


def test_a_file_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "places"
    path.write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(BadFile, match="UTF-8"):
        read_places(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "geometry", "coordinates", "properties", "name"]), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(JSON, max_size=3))
def test_no_geojson_is_too_strange(features: list[object]) -> None:
    try:
        made = list(placing._features(json.dumps({"type": "FeatureCollection", "features": features})))
    except BadFile:
        return
    assert all(entry.name for entry in made)
