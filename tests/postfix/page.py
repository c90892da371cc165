# SPDX-License-Identifier: ISC
"""Reads a report of pqpurge-idx as a browser would, and checks that it refers to nothing and runs nothing."""
import base64
import hashlib
import html.parser
import re
import xml.etree.ElementTree

VOID = {"meta", "br", "img", "link", "input", "base", "hr", "source", "embed", "wbr", "area", "col", "param", "track"}
TAGS = set("html head meta title style body main header footer section h1 h2 h3 p ul li b div table thead tbody tr th td code time "
           "details summary span svg line text rect".split())
ATTRIBUTES = set("lang charset http-equiv content name class id datetime role viewbox aria-label x y x1 x2 y1 y2 width height".split())


class Page(html.parser.HTMLParser):
    """tables: {id: (heads, rows of texts)}; text: {section's id: its text}; faults: what a report must not have."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.source, self.tables, self.text, self.faults = text, {}, {}, []
        self.open, self.section, self.table, self.cell, self.style, self.tiles = [], "", None, None, "", {}
        self.policy = ""
        self.feed(text)
        self.close()
        if self.open:
            self.faults.append(f"never closed: {self.open}")
        self.judge()

    # ---- parsing

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in TAGS:
            self.faults.append(f"<{tag}>")
        self.faults += [f"<{tag} {name}>" for name in attributes if name not in ATTRIBUTES]
        if len(attributes) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        if tag == "section":
            self.section = attributes["id"]
        elif tag == "table":
            self.table = self.tables[attributes["id"]] = ([], [])
        elif tag == "tr" and self.table:
            self.table[1].append([])
        elif tag in ("td", "th", "li", "h1"):
            self.cell = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")
        if tag == "td":
            self.table[1][-1].append(self.cell)
        elif tag == "th":
            self.table[0].append(self.cell)
        elif tag == "li" and not self.section:
            number, words = re.fullmatch(r"(\d+)(.*)", self.cell, re.S).groups()
            self.tiles[words] = int(number)
        elif tag == "h1":
            self.title = self.cell
        elif tag == "section":
            self.section = ""
        if tag in ("td", "th", "li", "h1"):
            self.cell = None

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
            return
        if self.cell is not None:
            self.cell += data
        self.text[self.section] = self.text.get(self.section, "") + data

    def handle_comment(self, data):
        self.faults.append(f"a comment: {data}")

    def unknown_decl(self, data):
        self.faults.append(f"a declaration: {data}")

    def handle_pi(self, data):
        self.faults.append(f"an instruction: {data}")

    # ---- questions

    def judge(self):
        digest = base64.b64encode(hashlib.sha256(self.style.encode()).digest()).decode()
        want = f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{digest}'"
        if self.policy != want:
            self.faults.append(f"the policy is {self.policy}, and should be: {want} (PAGE_STYLE_HASH in purge/report/page.h)")
        self.faults += [f"{word} in the style" for word in ("url(", "@import", "@font-face", "expression", "</") if word in self.style]
        if not self.source.startswith("<!DOCTYPE html>\n"):
            self.faults.append("no doctype")
        self.faults += [f"control U+{ord(c):04X}" for c in set(self.source) if ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160]

    def rows(self, table):
        """[{head: text}] of a table; [] if there is none with that id."""
        heads, rows = self.tables.get(table, ([], []))
        return [dict(zip(heads, row, strict=True)) for row in rows if row]

    def counts(self, table, column):
        """{name: number} of a table's column, without empty cells."""
        heads, _ = self.tables.get(table, (["Name"], []))
        return {row[heads[0]]: int(row[column]) for row in self.rows(table) if row.get(column)}

    def fates(self):
        """{fate: messages} from the table of minutes."""
        return {fate: sum(self.counts("minutes", fate).values()) for fate in ("deleted", "held", "released", "waiting")}

    def svg(self):
        """The picture as XML; None if there is none."""
        found = re.search(r"<svg.*?</svg>", self.source, re.S)
        return xml.etree.ElementTree.fromstring(found.group()) if found else None

    def drawn(self):
        """{fate: messages} from the text of the picture's bars."""
        found = {}
        for bar in self.svg().iter("rect"):
            number, fate = re.search(r": (\d+) (.*)$", bar.find("title").text).groups()
            found[fate] = found.get(fate, 0) + int(number)
        return found
