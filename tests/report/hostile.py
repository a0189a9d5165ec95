"""What a hostile submission says: words that try to act, and a class that says them everywhere.

Such names cannot all be committed, so the class is built.
"""

import io
import re
import sys
import tarfile
import unicodedata

from grader.records import Figure
from report_builders import FAILED, INVALID, NO_WALLS, judge, report

MARKUP = (
    "<script>window.hacked=1;document.title='owned';alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "' autofocus onfocus=alert(3) x='",
    "</pre></code></style></script></title></textarea><svg onload=alert(4)></svg>",
    "<img src=https://evil.invalid/pixel.png>",
    "<link rel=stylesheet href=https://evil.invalid/l.css>",
    "<style>@import 'https://evil.invalid/s.css';</style>",
    "<iframe srcdoc='<script>parent.hacked=2</script>'></iframe>",
    '<a href="javascript:alert(5)">a link</a>',
    '" style="position:fixed;inset:0" onmouseover="alert(6)',
    "<form action=//evil.invalid><input name=q><button>b</button></form>",
    "{{7*7}} {% raw %} ${alert(7)} #{8}",
    "]]> --> <!-- --> &lt;b&gt; &amp;lt; %3Cscript%3E",
)
"""Shown to the letter."""

ACTING = (
    "\x1b[2J\x1b[5;35;7mansi\x1b[0m \x1b]0;title\x07 \x1b]8;;https://evil.invalid\x1b\\osc\x1b]8;;\x07",
    "\x9b2Jc1 \x90dcs\x9c \x1bcreset \x07\x08\x00\x7f",
    "bidi\u202edesrever\u202c \u2066isolate\u2069 \u200e\u200f\u061c",
    "zero\u200bwidth\u2060\ufeff\u00ad tag\U000e0041 joined\u200dascii \u3164 sel\U000e0101",
    "lone\udce9\ud83d surrogates \ufffe",
    "\nFORGED line\r\nFORGED\u2028FORGED\x85FORGED\x0bFORGED\x0cFORGED",
    " " * 90 + "FORGED total 100 / 100",
    "za" + "\u0336\u0489\u030d" * 40 + "lgo",
)
"""Shown without what acts in it."""

TEXT = " ".join((*MARKUP, *ACTING))
IMAGE = MARKUP[1]
WHOLE = TEXT.encode("utf-8", "replace").decode()  # where Python itself takes no lone surrogate

NAMES = (
    "=cmd|' C calc'!A0",
    '=HYPERLINK("http:evil.invalid","x")',
    "@SUM(A1)",
    "-1+1",
    "+1",
    "%1",
    "|calc",
    "\t=1",
    "\r=1",
    " =1",
    "＝1",
    "a;100;100;=1",
    'b;"',
    'c";"=1',
    "d,100,100",
    "<script>window.hacked=1;alert(1)<script>",
    IMAGE,
    "' onmouseover=alert(1) x='",
    "javascript:alert(1)",
    "{{7*7}} {% for x in y %}",
    "]]> --> <!-- &lt;b&gt; &amp;lt;",
    "%2e%2e",
    "x..%2f..%2fother",
    "#top?x=1&y=2",
    "new\nFORGED,100,100\nline",
    "wide" + " " * 90 + "FORGED total 100",
    "ansi\x1b[2J\x1b]0;owned\x07\x1b]8;;https:evil\x07x",
    "bidi\u202egpj\u2066x",
    "zero\u200b\u2060\ufeffwidth",
    "lone\udce9surrogate",
    "\u202e\u200b",
    "long" * 60,
)
"""Folders of the class."""

SOURCE = '''
"""{image}"""
import importlib, sys
from torch import nn

TEXT, WHOLE = {text!r}, {whole!r}
Odd = type(WHOLE[:90], (Exception,), {{"__doc__": WHOLE, "__module__": WHOLE}})
Module = type({image!r}, (nn.Module,), {{"__doc__": WHOLE, "forward": lambda self, x: Odd()}})
print(TEXT)


def random_classes(num_classes, k=5, seed=0):
    print(TEXT)
    sys.stderr.write(TEXT)
    raise Odd(TEXT)  # {image} </pre></style></script> \u202e \u200b \x1b[2J


def influential_neurons(influence, positive, negative):
    return TEXT


def mask_slice(model, layer, keep):
    return Module()


def binary_classifier(model, layer, xs, target, positive, negative):
    return type({image!r}, (), {{}})()


def evaluate(classifier, xs, is_target):
    return importlib.import_module({image!r}).helper()
'''

FILES = {
    "part3_compression.py": SOURCE.format(text=TEXT, whole=WHOLE, image=IMAGE),
    f"{IMAGE}.py": f"def helper():\n    raise KeyError({TEXT!r})  # {IMAGE}\n",
    "<i>/</style>.py": "",
}

FOLDERS = {
    "raises": FILES,
    "loads": {"part3_compression.py": f"raise SystemError({TEXT!r})  # {IMAGE} \u202e\n"},
    "parses": {"part3_compression.py": f"x = = 1  # {IMAGE} </style> \x1b[2J \u202e {MARKUP[0]}\n"},
    "decodes": {"part3_compression.py": b"# \xff " + IMAGE.encode() + b" \x1b[2J\n"},
    "misnamed": {f"part3 {MARKUP[0].replace('/', '')}\u202e\x1b[2J.py": ""},
    "nested": {f"a/{IMAGE}\nFORGED\x1b[2J/part3_compression.py": ""},
}
"""Files by name, by folder: graded, or refused with a reason that names them."""

MEMBERS = {
    "climbs": "../../other/part3_compression.py",
    "closes": "</script></style></pre>/<img src=x onerror=alert(1)>/part3_compression.py",
    "breaks": "a\nFORGED/part3_compression.py",
    "links": f"{IMAGE}\u202e/part3_compression.py",
}
"""The one file in an archive, by the archive's name."""


def write(folder, files):
    for name, content in files.items():
        content = content if isinstance(content, bytes) else content.encode()
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def archive(member):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as packed:
        packed.addfile(tarfile.TarInfo(member))
    return out.getvalue()


def build(folder):
    """The class; what the system takes for no name is left out, on Linux nothing."""
    for name, files in (*FOLDERS.items(), *((name, {"part3.py": ""}) for name in NAMES)):
        try:
            (folder / name).mkdir(parents=True)
            write(folder / name, files)
        except (OSError, ValueError):
            assert sys.platform != "linux"
    write(folder, {f"{name}.tar": archive(member) for name, member in MEMBERS.items()})
    return len(list(folder.iterdir()))


def acts(text):
    """The characters that do something else than show; of what is piled up, the fifth."""
    kinds = {c: unicodedata.category(c) for c in set(text)}
    found = [c for c in text if kinds[c] in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"]
    return (
        found
        + [c for c in text if c in "\u3164\U000e0101"]
        + re.findall("[\u0300-\u036f\u0489]{5}", text)
    )


def everything(text=TEXT, image=IMAGE):
    """A report whose every word is hostile, those that the grader writes itself included."""
    figures = tuple(
        Figure(kind, text, {text: value, image: text})
        for kind, value in (
            ("maps", [[1.0, -1.0]]),
            ("images", [[[0.0, 1.0]]]),
            ("bars", [1.0, 2.0]),
            ("lines", [1.0, 2.0]),
        )
    )
    words = ("message", "hint", "diagnosis", "cost", "tried", "expected", "actual", "where")
    words += ("counterexample", "stdout", "details")
    told = {"title": text, "function": text, "figures": figures, **dict.fromkeys(words, text)}
    return report(
        judge(image, FAILED, **told),
        judge(text, FAILED, part=text, **told),
        judge("undecided", INVALID, hidden=True, **told),
        id=text,
        name=text,
        reason=text,
        environment={text: text},
        sandbox={**NO_WALLS, text: text},
    )
