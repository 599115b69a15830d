"""What the repository promises about itself: no registry named, words agree with code, documents name what exists."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Written apart, so that this file names none itself.
REGISTRIES = ["pypi" + ".org", "python" + "hosted", "registry." + "npm", "npmmirror" + ".com", "deb." + "debian"]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


def test_no_committed_file_names_a_package_registry() -> None:
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        assert not [name for name in REGISTRIES if name in text], path


def test_every_locked_package_is_pinned_by_hash() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        requirements = re.split(r"\n(?=[a-zA-Z])", (ROOT / lock).read_text())
        assert all("==" in each and "--hash=sha256:" in each for each in requirements if not each.startswith("#")), lock


def test_the_lock_holds_every_package_that_the_project_names() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert {re.split(r"[\[>=<;]", name)[0] for name in named} <= locked


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_a_page_links_only_to_what_exists(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), f"{page} → {target}"


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = (
        re.findall(
            r"^\s*(\.venv/bin/hub [a-z-]+|make [a-z]+|mosquitto_pub)", (ROOT / name).read_text("utf-8"), re.MULTILINE
        )
        for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese


def test_the_architecture_page_names_every_room() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert [room for room in rooms if f"`{room}/`" not in page] == []


def glossary() -> list[tuple[str, str]]:
    """The rows of the glossary: the word and its Chinese."""
    page = (ROOT / "docs/glossary.md").read_text("utf-8")
    return re.findall(r"^\| `([A-Za-z]+)` \| *([^|]*?) *\|", page, re.MULTILINE)


def test_each_glossary_row_has_a_chinese_word_and_none_stands_twice() -> None:
    for word, chinese in glossary():
        assert re.search(r"[\u4e00-\u9fff]", chinese), word
    words, chinese_words = zip(*glossary(), strict=True)
    assert len(set(words)) == len(words)
    assert sorted(set(chinese_words)) == sorted(chinese_words)


@pytest.mark.parametrize("word", [word for word, _ in glossary()])
def test_a_glossary_word_is_used_in_the_code(word: str) -> None:
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).lower()
    pattern = re.compile(rf"{word}|{snake}|{snake.replace('_', '-')}")
    sources = [path for path in tracked() if path.suffix == ".py" and "tests" not in path.parts]
    assert any(pattern.search(path.read_text("utf-8")) for path in sources), word
