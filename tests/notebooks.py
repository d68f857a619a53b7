"""Execute every notebook in a new kernel and save its outputs: `make notebooks`.

`make html` writes the executed notebooks as HTML pages instead.
"""

import base64
import io
import os
import re
import sys
from pathlib import Path

import latex2mathml.converter
import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image

from movierec import files
from movierec.data.download import DATA_DIR

FOLDER = files.ROOT / "notebooks"
HTML = files.ROOT / "html"  # beside `notebooks`, so that links to other files stay right
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.DOTALL)
STYLE = """<style>
.jp-RenderedHTMLCommon blockquote { border-left: 4px solid #1f77b4; padding-left: 1em; }
@media print {
  .jp-Notebook { font-size: 10pt; }
  .jp-InputArea-editor pre { white-space: pre-wrap; }
  .jp-RenderedHTMLCommon table { font-size: 7pt; white-space: normal; }
  .jp-RenderedImage, blockquote, tr { break-inside: avoid; }
  h1, h2 { break-after: avoid; }
}
</style></head>"""
TIMEOUT_SECONDS = 7200  # per cell
MANUAL_DATA = {"01_artist_recommender": DATA_DIR / "lastfm-hetrec2011"}  # cannot be downloaded


def paths() -> list[Path]:
    """Every notebook, in reading order."""
    return sorted(FOLDER.rglob("*.ipynb"))


def run(path: Path) -> nbformat.NotebookNode:
    """Execute a notebook in its own folder, up to the first error."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=TIMEOUT_SECONDS,
        coalesce_streams=True,  # one text per cell, not one for each write
        resources={"metadata": {"path": str(path.parent)}},
        # keeps TensorFlow's start-up messages, which cannot be switched off, out of the outputs
        extra_arguments=["--IPKernelApp.capture_fd_output=False", "--IPKernelApp.log_level=40"],
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # timestamps would change with every run
        for output in cell.get("outputs", []):
            if png := output.get("data", {}).get("image/png"):
                output.data["image/png"] = _with_palette(png)
    return notebook


def _with_palette(png: str) -> str:
    """A base64 PNG with at most 256 colours, which takes a third of the space."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    smaller = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(smaller, "PNG", optimize=True)
    return base64.b64encode(smaller.getvalue()).decode()


def as_html(path: Path) -> str:
    """A notebook as an HTML page that prints well; links to notebooks lead to their pages.

    Formulas become MathML, which browsers show without a library from elsewhere.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = FORMULA.sub(_mathml, cell.source)
    page, _ = HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": path.stem}})
    page = re.sub(r'(href="(?!http)[^"]*)\.ipynb"', r'\1.html"', page)
    page = re.sub(r'<script src="http[^>]*>\s*</script>', "", page)  # for formulas and widgets
    return page.replace("</head>", STYLE, 1)


def _mathml(found: re.Match) -> str:
    block, inline = found.groups()
    display = "block" if block else "inline"
    return latex2mathml.converter.convert(block or inline, display=display)


if __name__ == "__main__" and sys.argv[1:] == ["html"]:
    for path in paths():
        page = (HTML / path.relative_to(FOLDER)).with_suffix(".html")
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(as_html(path), "utf-8")
        print(page.relative_to(files.ROOT))
elif __name__ == "__main__":
    save = os.environ.get("DATASET", "ml-1m") == "ml-1m"  # the committed outputs are for ML-1M
    for path in paths():
        print(path.relative_to(files.ROOT), flush=True)
        if path.stem in MANUAL_DATA and not MANUAL_DATA[path.stem].exists():
            print(f"  skipped: {MANUAL_DATA[path.stem]} is missing, see data/README.md")
            continue
        if not save and path.parent != FOLDER:
            # the side notebooks have no smaller data, so they train less
            os.environ.setdefault("EPOCHS", "1")
            os.environ.setdefault("SEEDS", "42")
        executed = run(path)
        if save:
            with files.replacing(path) as (part,):
                nbformat.write(executed, part)
