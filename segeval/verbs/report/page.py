"""A page from a template: one HTML file that holds all that it needs, and asks for nothing.

Whatever comes from a run (names of cases and classes, messages) is text: the template escapes it, the data of the
scripts are JSON in which `<` is escaped, and the page allows only the scripts and styles whose hashes it names.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VENDOR = HERE / "vendor"
_SCRIPTS = ("vega.min.js", "vega-lite.min.js", "vega-interpreter.min.js", "tabulator.min.js")


def rendered(template: str, *, title: str, data: Mapping[str, Any], **facts: Any) -> str:
    """A page of a template in this folder, with the styles and scripts that all pages have.

    Args:
        data: for the scripts: rows and charts.
        facts: what the template shows.
    """
    import jinja2

    styles = [_file(VENDOR / "tabulator.min.css"), _file(HERE / "page.css")]
    scripts = [*(_file(VENDOR / name) for name in _SCRIPTS), _file(HERE / "page.js")]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(template).render(
        title=title,
        policy=_policy(styles, scripts),
        styles=[_safe(style) for style in styles],
        scripts=[_safe(script) for script in scripts],
        data=_safe(_json(data)),
        **facts,
    )


def _file(path: Path) -> str:
    """A script or style without the name of its source map, which a browser's tools would ask for."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if "sourceMappingURL=" not in line[:40]).replace("</script", "<\\/script")


def _safe(text: str) -> Any:
    import markupsafe

    return markupsafe.Markup(text)  # our own file, or JSON in which no tag can begin


def _json(value: Any) -> str:
    """JSON that no browser takes for markup, wherever it stands."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    escapes: dict[str, str | int | None] = {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
    return text.translate(str.maketrans(escapes))


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Nothing from anywhere; of what stands in the page, the scripts and styles with these hashes."""
    by_hash = [" ".join(f"'{_hash(text)}'" for text in texts) for texts in (scripts, styles)]
    rest = "base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; img-src data:; script-src {by_hash[0]}; style-src {by_hash[1]}; {rest}"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
