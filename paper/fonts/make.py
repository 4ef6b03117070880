#!/usr/bin/env python3
"""Makes the fonts beside this file anew out of Debian's packages. See README.md for how to run it."""

import pathlib
import subprocess
import sys
import tempfile

from fontTools import subset
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.ttLib import TTFont

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["fonts-inter", "fonts-noto-core", "fonts-noto-cjk"]

# Latin with its accents, Greek, Cyrillic, punctuation, currencies, arrows, and the signs of figures.
EUROPE = [(0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x1E00, 0x1EFF),
          (0x1F00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x209F), (0x20A0, 0x20C0), (0x2100, 0x214F),
          (0x2150, 0x218F), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x2500, 0x25FF), (0x2713, 0x2717)]


def ranges(spans):
    return {code for first, last in spans for code in range(first, last + 1)}


def encoded(codec, accept):
    """What a national character set holds, of the characters that `accept` lets through."""
    held = set()
    for lead in range(0x81, 0xFF):
        for trail in range(0x40, 0xFF):
            try:
                text = bytes([lead, trail]).decode(codec)
            except UnicodeDecodeError:
                continue
            if len(text) == 1 and accept(ord(text), lead):
                held.add(ord(text))
    return held


def han(code, _lead=None):
    return 0x4E00 <= code <= 0x9FFF


def east_asia():
    kana_and_signs = ranges([(0x3000, 0x303F), (0x3041, 0x30FF), (0x3105, 0x312F), (0x31F0, 0x31FF),
                             (0xFF01, 0xFFEE)])
    return (
        kana_and_signs
        | encoded("gb2312", han)
        | encoded("shift_jis", han)
        # The first of Big5's two levels ends at C6.
        | encoded("big5", lambda code, lead: han(code) and lead <= 0xC6)
        | encoded("euc_kr", lambda code, _lead: 0xAC00 <= code <= 0xD7A3)
    )


ALL = None
PLAIN = ["kern", "mark", "mkmk", "ccmp", "locl", "tnum"]
NOTO = "usr/share/fonts/truetype/noto/"
FONTS = [
    # file here, file in the package, face of a collection, characters, features
    ("Inter-Regular.otf", "usr/share/fonts/opentype/inter/Inter-Regular.otf", -1, ranges(EUROPE), PLAIN),
    ("Inter-SemiBold.otf", "usr/share/fonts/opentype/inter/Inter-SemiBold.otf", -1, ranges(EUROPE), PLAIN),
    *((f"NotoSans{script}-{weight}.ttf", f"{NOTO}NotoSans{script}-{weight}.ttf", -1, ALL, ["*"])
      for script in ("Arabic", "Hebrew", "Devanagari", "Thai")
      for weight in ("Regular", "Bold")),
    ("NotoSansCJKsc-Regular.otf", "usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "Noto Sans CJK SC",
     east_asia(), ["kern", "ccmp"]),
]


def face_of(path, name):
    """The number of the face `name` in a collection."""
    for number in range(64):
        if TTFont(path, fontNumber=number, lazy=True)["name"].getDebugName(4).startswith(name):
            return number
    sys.exit(f"{path} has no face {name}")


def box_for_what_is_missing(font):
    """Inter has stripes there, which look like a fault of the printer."""
    width, height, line = 1400, 1900, 130
    pen = T2CharStringPen(width + 2 * line, None)
    for inner in (0, line):
        left, right, bottom, top = line + inner, width + line - inner, inner, height - inner
        corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
        pen.moveTo(corners[0])
        for corner in corners[1:] if inner == 0 else corners[:0:-1]:
            pen.lineTo(corner)
        pen.closePath()
    top = font["CFF "].cff.topDictIndex[0]
    old = top.CharStrings[".notdef"]
    top.CharStrings[".notdef"] = pen.getCharString(old.private, top.GlobalSubrs)
    font["hmtx"][".notdef"] = (width + 2 * line, line)


def make(root, target, source, face, characters, features):
    options = subset.Options()
    options.layout_features = features
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = ["*"]
    options.drop_tables += ["DSIG", "vhea", "vmtx", "VORG"]
    path = root / source
    options.font_number = face_of(path, face) if isinstance(face, str) else face
    font = subset.load_font(str(path), options)
    worker = subset.Subsetter(options)
    worker.populate(unicodes=characters if characters is not None else font.getBestCmap().keys())
    worker.subset(font)
    if target.startswith("Inter"):
        box_for_what_is_missing(font)
    # Otherwise the file says when it was made.
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    subset.save_font(font, str(HERE / target), options)
    held = len(TTFont(HERE / target).getBestCmap())
    print(f"{target}: {(HERE / target).stat().st_size:,} bytes, {held:,} characters")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch)
        subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=root, check=True)
        for package in root.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, root], check=True)
        for font in FONTS:
            make(root, *font)


main()
