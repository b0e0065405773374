import json

import pytest

from jupyterlab_orrery.labelled_table import labelled_table


def rows(model, given):
    """The field as the notebook has it, read again."""
    return [json.loads(line) for line in model.linear_probe(task="rows", rows=given).spec["spec"]["rows"].split("\n")]


def test_a_pandas_frame_of_texts_with_gaps_and_other_columns(model):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["The ship", "a dog"], "label": [1, 0], "word": ["ship", None], "source": ["x", "y"]})
    assert rows(model, frame) == [{"text": "The ship", "word": "ship", "label": 1}, {"text": "a dog", "word": None, "label": 0}]


def test_a_frame_of_words_some_without_a_label(model):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"sentence": [1, 1, 2], "word": ["The", "ship", "a"], "label": [1.0, float("nan"), 2.5]})
    assert [row["label"] for row in rows(model, frame)] == [1, None, 2.5]


def test_a_list_of_dictionaries_and_a_text_as_it_is(model):
    assert rows(model, [{"text": "The ship", "label": "N"}]) == [{"text": "The ship", "label": "N"}]
    assert model.linear_probe(task="rows", rows="The/D ship/N").spec["spec"]["rows"] == "The/D ship/N"


def test_a_file_by_its_path(model, tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("text,label\nThe ship,N\n", encoding="utf-8")
    for given in (file, str(file)):
        assert model.linear_probe(task="rows", rows=given).spec["spec"]["rows"] == "text,label\nThe ship,N\n"
    with pytest.raises(ValueError, match="there is no file 'none.csv'"):
        model.linear_probe(task="rows", rows="none.csv")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([{"text": "a"}], "row 0 has 'text', columns are text and label"),
        ([{"label": "a", "word": "b"}], "row 0 has 'label', 'word', columns are"),
        ([{"text": "a", "label": None}], "row 0 has no label"),
        ([{"text": "a", "label": ["x"]}], "row 0 has .* in 'label', where a text or a number belongs"),
    ],
)
def test_rows_that_say_too_little(model, given, words):
    with pytest.raises(ValueError, match=words):
        model.linear_probe(task="rows", rows=given)


def test_what_is_no_table_is_left_to_the_field(model):
    assert labelled_table("linear_probe", "rows", 3) == 3
    with pytest.raises(TypeError, match="field 'rows' must be a text"):
        model.linear_probe(task="rows", rows=3)
