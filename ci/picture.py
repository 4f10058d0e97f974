"""The README's picture of the report, from the real page: headless Chromium, scaled down, as WebP.

python ci/picture.py build/jet_mlp/report/report.html docs/report.webp
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

PAGE_WIDTH, PAGE_HEIGHT, WIDTH = 1400, 1725, 1000
MOST_BYTES = 150_000
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)


def screenshot(page: Path, target: Path) -> None:
    """The page's top, at a desk's width."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        sys.exit("chromium is not installed (Debian's package chromium)")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser,
                *QUIET,
                f"--user-data-dir={profile}",
                f"--window-size={PAGE_WIDTH},{PAGE_HEIGHT}",
                f"--screenshot={target}",
                page.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "page.png"
        screenshot(chosen.page, shot)
        image = Image.open(shot).convert("RGB")
    image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    for quality in range(90, 20, -5):
        image.save(chosen.picture, quality=quality, method=6)
        if chosen.picture.stat().st_size <= MOST_BYTES:
            break
    sys.stdout.write(f"{chosen.picture}: {chosen.picture.stat().st_size:,} bytes, quality {quality}\n")


if __name__ == "__main__":
    main()
