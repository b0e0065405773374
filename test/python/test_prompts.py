import json

import numpy as np
import pytest

CLEAN, CORRUPTED = "When Mary and John left, John gave a pen to", "When Mary and John left, Mary gave a pen to"
PROMPT = {"clean": CLEAN, "corrupted": CORRUPTED, "answer": {"correct": [" Mary"], "wrong": [" John"]}}


def spec(output):
    return output.spec["spec"]


def test_a_list_of_prompts_or_one_alone(model):
    assert spec(model.activation_patching([PROMPT]))["prompts"] == [PROMPT]
    assert spec(model.path_patching(prompts=PROMPT, receiver="q"))["prompts"] == [PROMPT]


def test_ids_of_any_kind_become_plain_integers(model):
    given = {"clean": np.array([1, 2]), "corrupted": (1, 3), "corrupted2": (1, 4), "answer": {"correct": np.array([4]), "wrong": [np.int64(5)]}}
    made = spec(model.activation_patching([given]))["prompts"]
    assert made == [{"clean": [1, 2], "corrupted": [1, 3], "corrupted2": [1, 4], "answer": {"correct": [4], "wrong": [5]}}]
    json.dumps(made)


def test_weights_of_tokens_as_a_dictionary_or_pairs(model):
    wanted = {"weights": [{"token": " Mary", "weight": 1.0}, {"token": 7, "weight": -0.5}]}
    for given in ({" Mary": 1, 7: -0.5}, [(" Mary", 1), (7, -0.5)], wanted["weights"]):
        made = spec(model.activation_patching({"clean": "a", "answer": {"weights": given}}))["prompts"]
        assert made == [{"clean": "a", "answer": wanted}]


def test_a_pandas_frame(model):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"clean": [CLEAN, "a b"], "corrupted": [CORRUPTED, "a c"], "correct": [" Mary", [" x", 3]], "wrong": [" John", None]}
    )
    made = spec(model.activation_patching(frame))["prompts"]
    assert made == [PROMPT, {"clean": "a b", "corrupted": "a c", "answer": {"correct": [" x", 3]}}]


def test_a_frame_with_a_missing_or_a_strange_column(model):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="field 'prompts' must be a frame with columns among clean, corrupted, corrupted2, correct, answer, wrong"):
        model.activation_patching(pandas.DataFrame({"prompt": ["a"]}))


def weighted(weights):
    return [{"clean": "a", "answer": {"weights": weights}}]


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ("a text", TypeError, "field 'prompts' must be a list of prompts"),
        ([], ValueError, "field 'prompts' must be 1 to 256 prompts"),
        ([{"corrupted": "a"}], TypeError, r"field 'prompts\[0\]' must be a dictionary with 'clean'"),
        ([PROMPT, {"clean": ""}], ValueError, r"field 'prompts\[1\].clean' must be a text that is not empty"),
        ([{"clean": 3}], TypeError, r"field 'prompts\[0\].clean' must be a text or a list of token ids"),
        ([{"clean": "a", "answers": {}}], ValueError, r"field 'prompts\[0\]' must be a dictionary of clean, corrupted, corrupted2, answer"),
        ([{"clean": "a", "answer": {"wrong": ["b"]}}], TypeError, r"field 'prompts\[0\].answer' must be a dictionary with 'correct'"),
        ([{"clean": "a", "answer": {"correct": 1.5}}], TypeError, r"field 'prompts\[0\].answer.correct' must be a list of tokens"),
        ("iio", TypeError, r"field 'prompts' must be .* or a set \(auto, ioi, greater-than, .*\), got 'iio'"),
        (weighted(5), TypeError, r"field 'prompts\[0\].answer.weights' must be tokens with their weights"),
        (weighted([{"token": "b"}]), TypeError, r"answer.weights' must be tokens with their weights, .* got \{'token': 'b'\}"),
        (weighted([("b", "1")]), ValueError, r"answer.weights' must be tokens with weights that are finite numbers"),
        (weighted({"b": float("nan")}), ValueError, r"answer.weights' must be tokens with weights that are finite numbers"),
        (weighted({1.5: 1}), TypeError, r"answer.weights' must be a list of tokens, as texts or ids"),
        (weighted([]), ValueError, r"answer.weights' must be one token with its weight or more"),
    ],
)
def test_wrong_prompts_name_the_place(model, given, kind, words):
    with pytest.raises(kind, match=words):
        model.activation_patching(given)


def test_a_set_is_made_when_it_runs(model):
    given = {"set": "ioi", "counterfactual": "abc", "n": np.int64(4), "seed": 1}
    made = spec(model.activation_patching(given))["prompts"]
    assert made == {"set": "ioi", "counterfactual": "abc", "n": 4, "seed": 1}
    json.dumps(made)


def test_a_set_by_its_name_alone(model):
    assert spec(model.activation_patching("ioi"))["prompts"] == {"set": "ioi"}


def test_an_answer_of_one_token(model):
    made = spec(model.activation_patching({"clean": "a", "answer": {"correct": " b", "wrong": 7}}))["prompts"]
    assert made == [{"clean": "a", "answer": {"correct": [" b"], "wrong": [7]}}]


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"set": "ioj"}, ValueError, r"field 'prompts.set' must be one of 'auto', 'ioi', .*, got 'ioj'"),
        ({"set": "ioi", "counterfactual": "noun"}, ValueError, r"field 'prompts.counterfactual' must be one of 'flip', 'abc', 'third'"),
        ({"set": "ioi", "n": 0}, ValueError, r"field 'prompts.n' must be an integer from 1 to 256, got 0"),
        ({"set": "ioi", "n": "4"}, TypeError, r"field 'prompts.n' must be an integer"),
        ({"set": "ioi", "count": 4}, ValueError, r"must be a set with set, counterfactual, n, seed, got 'count'"),
    ],
)
def test_a_wrong_set(model, given, kind, words):
    with pytest.raises(kind, match=words):
        model.activation_patching(given)


def test_files(model, notebook):
    (notebook / "own.csv").write_text(f'clean,corrupted,answer,wrong answer\r\n"{CLEAN}","{CORRUPTED}", Mary, John\r\n', encoding="utf-8-sig")
    assert spec(model.activation_patching("own.csv"))["prompts"] == [PROMPT]
    for mark in ";\t":
        cells = [CLEAN, CORRUPTED, " Mary", " John"]
        (notebook / "own.csv").write_text(f"{mark.join(['clean', 'corrupted', 'answer', 'wrong'])}\n{mark.join(cells)}\n")
        assert spec(model.activation_patching("own.csv"))["prompts"] == [PROMPT]
    row = {"clean": CLEAN, "corrupted": CORRUPTED, "correct": [" Mary"], "wrong": " John"}
    (notebook / "own.jsonl").write_text(json.dumps(row) + "\n\n" + json.dumps(PROMPT) + "\n")
    assert spec(model.activation_patching(notebook / "own.jsonl"))["prompts"] == [PROMPT, PROMPT]


@pytest.mark.parametrize("inside", ["\u2028", "\x85", "\x0c"])
def test_lines_end_with_line_feeds_alone(model, notebook, inside):
    clean = f"two{inside}lines"
    (notebook / "own.csv").write_text(f"clean\n{clean}\n", encoding="utf-8")
    assert spec(model.activation_patching("own.csv"))["prompts"] == [{"clean": clean}]
    (notebook / "own.jsonl").write_text(json.dumps({"clean": clean}, ensure_ascii=False), encoding="utf-8")
    assert spec(model.activation_patching("own.jsonl"))["prompts"] == [{"clean": clean}]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "prompt,answer\na,b\n", r"the column 'clean' is missing \(there are: 'prompt', 'answer'\)"),
        ("a.csv", "clean,corupted\na,b\n", "unknown column 'corupted'"),
        ("a.csv", "clean,wrong\na\n", "row 1 has 1 cells where 2 columns are named"),
        ("a.csv", "clean,correct,answer\na,b,c\n", "under two names"),
        ("a.jsonl", '{"clean": "a"}\n{"text": "b"}\n', "the column 'clean' is missing in row 2"),
        ("a.jsonl", "clean\n", "row 1 is not JSON"),
        ("none.csv", None, "there is no such file"),
    ],
)
def test_a_wrong_file(model, notebook, name, text, words):
    if text is not None:
        (notebook / name).write_text(text)
    with pytest.raises(ValueError, match=words):
        model.activation_patching(name)
