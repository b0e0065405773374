import inspect
import json
import pydoc

import jsonschema
import pytest

import jupyterlab_orrery as orrery
from jupyterlab_orrery.registry import HERE, MIME_TYPE

SCHEMA = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))
METHODS = [analysis for analysis in orrery.ANALYSES if analysis.id != "model-card"]


def bundle(output):
    return output._repr_mimebundle_()


def test_model_displays_as_its_card(model):
    data = bundle(model)
    assert data[MIME_TYPE] == {"analysis": "model-card", "model": {"path": "models/tiny"}, "seed": 0, "spec": {}}
    assert "models/tiny" in data["text/plain"]


@pytest.mark.parametrize("analysis", METHODS, ids=lambda analysis: analysis.id)
def test_every_analysis_has_a_method_whose_output_fits_the_schema(model, analysis):
    output = getattr(model, analysis.method)()
    data = bundle(output)
    jsonschema.validate(data[MIME_TYPE], SCHEMA)
    assert data[MIME_TYPE]["analysis"] == analysis.id
    assert data["text/plain"].startswith(f"{analysis.title} of models/tiny: not run yet.")


@pytest.mark.parametrize("analysis", METHODS, ids=lambda analysis: analysis.id)
def test_signature_and_help_come_from_the_schema(model, analysis):
    method = getattr(model, analysis.method)
    first = [name for name in ("text", "prompts") if name in analysis.fields][:1]
    others = [name for name in analysis.fields if name not in first]
    assert list(inspect.signature(method).parameters) == [*first, *others, "seed"]
    text = pydoc.render_doc(method)
    for _, schema in analysis.fields.values():
        assert schema["description"] in text


def test_first_positional_is_the_text_and_names_are_pythonic(model):
    spec = model.logit_lens("The Eiffel Tower", top_k=3, positions=range(2), seed=7).spec
    assert spec == {
        "analysis": "logit-lens",
        "model": {"path": "models/tiny"},
        "seed": 7,
        "spec": {"text": "The Eiffel Tower", "topK": 3, "positions": [0, 1]},
    }


def test_numpy_integers_are_integers(model):
    numpy = pytest.importorskip("numpy")
    assert model.logit_lens(ids=numpy.arange(3)).spec["spec"]["ids"] == [0, 1, 2]
    assert model.head_scores(batch=numpy.int64(2)).spec["spec"]["batch"] == 2


def test_none_stands_for_absent(model):
    assert model.attention_patterns(None, layers=None).spec["spec"] == {}


def test_spec_is_a_copy(model):
    output = model.attention_patterns("a", layers=[0])
    output.spec["spec"]["layers"].append(9)
    assert output.spec["spec"]["layers"] == [0]


WRONG = [
    (lambda m: m.logit_lens("a", colours="kl"), TypeError, "unknown field 'colours' = 'kl'"),
    (lambda m: m.logit_lens(3), TypeError, "'text' must be a text of at most 20000 characters, got 3"),
    (lambda m: m.logit_lens([1, 2]), TypeError, "token ids go into 'ids'"),
    (lambda m: m.logit_lens("a" * 20001), ValueError, "'text' must be .* with 20001"),
    (lambda m: m.logit_lens("a", "b"), TypeError, "takes one positional argument"),
    (lambda m: m.logit_lens("a", text="b"), TypeError, "'text' was given twice"),
    (lambda m: m.logit_lens("a", ids=[1]), TypeError, "'text' and 'ids' exclude each other"),
    (lambda m: m.logit_lens(ids=[]), ValueError, r"'ids' must be a list of 1 to 8192 .* got \[\]"),
    (lambda m: m.logit_lens(ids=[1, -1]), ValueError, "'ids' must be .* got -1 at 1"),
    (lambda m: m.logit_lens(ids="12"), TypeError, "'ids' must be .* got '12'"),
    (lambda m: m.logit_lens(ids=[1, True]), TypeError, "'ids' must be .* got True .bool. at 1"),
    (lambda m: m.logit_lens("a", top_k=0), ValueError, "'top_k' must be an integer from 1 to 20, got 0"),
    (lambda m: m.logit_lens("a", top_k=2.5), TypeError, "'top_k' must be .* got 2.5"),
    (lambda m: m.logit_lens("a", top_k=True), TypeError, "'top_k' must be .* got True"),
    (lambda m: m.logit_lens("a", colour="red"), ValueError, "'colour' must be one of .* got 'red'"),
    (lambda m: m.logit_lens("a", positions=[0, 0]), ValueError, r"'positions' must be .* got \[0, 0\]"),
    (lambda m: m.head_scores("a"), TypeError, "takes only named arguments"),
    (lambda m: m.head_scores(seed=-1), ValueError, "'seed' must be an integer from 0 to 4294967295, got -1"),
    (lambda m: m.head_scores(seed=None), TypeError, "'seed' must be .* got None"),
]


@pytest.mark.parametrize("call, kind, words", WRONG, ids=[words for _, _, words in WRONG])
def test_wrong_arguments_name_field_and_value(model, call, kind, words):
    with pytest.raises(kind, match=words):
        call(model)
