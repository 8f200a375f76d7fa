import math

import pytest

from segeval.errors import ConfigError
from segeval.files.yaml_files import compose_yaml, read_yaml


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "file.yaml"
        path.write_text(text, encoding="utf-8")
        return read_yaml(path)

    return read


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "n", "Y", "010", "12:30", "2024-01-01", "0x1F", "1_000"])
def test_words_that_other_readers_turn_into_something_else_stay_words(read, word):
    assert read(f"name: {word}").data == {"name": word}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 0.001), ("1.5E2", 150.0), (".5", 0.5), ("-2", -2), ("0", 0), ("true", True), ("~", None), ("", None)],
)
def test_numbers_truth_values_and_nothing_are_read_as_such(read, text, value):
    found = read(f"value: {text}").data["value"]
    assert found == value
    assert type(found) is type(value)


def test_infinity_and_nan_are_numbers(read):
    data = read("[.inf, -.inf, .nan]").data
    assert data[:2] == [math.inf, -math.inf]
    assert math.isnan(data[2])


def test_quotes_make_text_of_anything(read):
    assert read("""[ "1", 'true' ]""").data == ["1", "true"]


def test_every_key_and_item_knows_its_line(read):
    file = read("a: 1\nrules:\n  - {id: x,\n     min: 1}\n  - id: y\n    min: 2\n1: one\n")
    assert file.line(("a",)) == 1
    assert file.line(("rules",)) == 2
    assert file.line(("rules", 0)) == 3
    assert file.line(("rules", 0, "min")) == 4
    assert file.line(("rules", 1, "min")) == 6
    assert file.line(("1",)) == 7


def test_a_place_that_is_not_in_the_file_has_the_line_around_it(read):
    assert read("rules:\n  - id: x\n").line(("rules", 0, "min", "deep")) == 2


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "{b: {a: 1, c: 2,\n a: 3}}"])
def test_a_key_that_stands_twice_is_an_error(read, text):
    with pytest.raises(ConfigError, match=r"file\.yaml:\d: the key 'a' stands in line 1 already"):
        read(text)


def test_a_merge_may_be_overridden(read):
    data = read("base: &base {a: 1, b: 2}\nderived:\n  <<: *base\n  a: 3\n").data
    assert data["derived"] == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: [1, 2\nb: 3\n", 2), ("a: 1\n b: 2\n", 2), ("x: !!python/name:os.system\n", 1), ("a: b: c", 1)],
)
def test_broken_text_is_named_with_its_line(read, text, line):
    with pytest.raises(ConfigError, match=rf"file\.yaml:{line}: this is no valid YAML"):
        read(text)


def test_an_empty_file_holds_nothing(read):
    assert read("# only a comment\n").data is None


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: there is no such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"cannot be read \(Is a directory\)\. Check the path"):
        read_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: l\xe4sion")
    with pytest.raises(ConfigError, match=r"is no UTF-8 text .* Save it as UTF-8"):
        read_yaml(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!float abc", r"file\.yaml:1: 'abc' cannot be read as float\. Write a plain value"),
        ("a: 1\nb: !!int abc", r"file\.yaml:2: 'abc' cannot be read as int"),
        ("a: !!bool maybe", "'maybe' cannot be read as bool"),
        ("a: !!timestamp soon", "'soon' cannot be read as timestamp"),
        (f"a: {'9' * 5000}", f"'{'9' * 40}' cannot be read as int"),
        ("a: " + "[" * 3000 + "]" * 3000, "nested deeper than 50 levels"),
        ("a: " + "{a: " * 60 + "1" + "}" * 60, "nested deeper than 50 levels"),
        ("a: &a [*a]", "an alias stands within itself"),
        ("a: &a {<<: *a}", "an alias stands within itself"),
    ],
)
def test_what_no_reader_can_take_is_told_with_its_place(read, text, message):
    with pytest.raises(ConfigError, match=message):
        read(text)


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


def test_aliases_that_stand_for_more_than_memory_holds_are_refused(read, tmp_path):
    with pytest.raises(ConfigError, match="with its aliases written out this holds more than 1000000 values"):
        read(BOMB)
    with pytest.raises(ConfigError, match="with its aliases written out this holds more than 1000000 values"):
        compose_yaml(BOMB, tmp_path / "labels.yaml")


def test_an_alias_that_stands_for_little_is_read(read):
    assert read("a: &a [1, 2]\nb: [*a, *a]").data == {"a": [1, 2], "b": [[1, 2], [1, 2]]}


def test_a_character_that_no_yaml_may_hold_is_named_with_its_line(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"1: liver\n2: \x00\n")
    with pytest.raises(ConfigError, match=r"a\.yaml:2: holds the character '\\x00'"):
        read_yaml(tmp_path / "a.yaml")
