"""Every figure is well-formed XML, self-contained, and says what it is; its
table reads back.

    xml_test.py --samples build/tests/figure_samples
"""

import csv
import math
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree

import samples

FOLDER = None
SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "style", "rect", "g", "path", "text",
            "circle", "image"}


class XmlTest(unittest.TestCase):
    def figures(self):
        files = sorted(FOLDER.glob("*.svg"))
        self.assertGreater(len(files), 15)
        return [(file, ElementTree.parse(file).getroot()) for file in files]

    def test_names_itself(self):
        for _, root in self.figures():
            self.assertEqual(root.tag, SVG + "svg")
            self.assertEqual(root.get("role"), "img")
            self.assertEqual(root[0].tag, SVG + "title")
            self.assertTrue(root[0].text)
            self.assertEqual(root[1].tag, SVG + "desc")
            self.assertGreater(len(root[1].text), 20)

    def test_holds_drawing_elements_alone(self):
        for _, root in self.figures():
            for element in root.iter():
                self.assertIn(element.tag.removeprefix(SVG), ELEMENTS)
                self.assertIsNone(element.get("id"))
                for name, value in element.attrib.items():
                    self.assertFalse(name.startswith("on"), name)
                    if name == "href":
                        self.assertTrue(value.startswith("data:image/"))
                    else:
                        self.assertNotIn("url(", value)

    def test_coordinates_are_numbers_within_the_figure(self):
        number = re.compile(r"-?\d*\.?\d+")
        for _, root in self.figures():
            width = float(root.get("width"))
            height = float(root.get("height"))
            self.assertEqual(root.get("viewBox"), f"0 0 {width:g} {height:g}")
            for path in root.iter(SVG + "path"):
                self.assertRegex(path.get("d"), r"^[Mlhvz\d .-]+$")
            turned = {text for group in root.iter(SVG + "g")
                      if "translate" in group.get("transform", "")
                      for text in group.iter(SVG + "text")}
            for text in root.iter(SVG + "text"):
                for name, limit in (("x", width), ("y", height)):
                    place = text.get(name, "0")
                    self.assertTrue(number.fullmatch(place), place)
                    if text not in turned:
                        self.assertGreaterEqual(float(place), 0)
                        self.assertLessEqual(float(place), limit)

    def test_hostile_text_is_shown_as_it_is(self):
        root = ElementTree.parse(FOLDER / "heat_map_hostile.svg").getroot()
        self.assertEqual(
            root[0].text, "</title><script>alert(1)</script> & \"quotes\" "
            "'too' $HOME \\x01")
        texts = ["".join(element.itertext()) for element in root.iter()
                 if element.tag in (SVG + "text", SVG + "title")]
        for wanted in ("<b>&amp;", "\"'", "\u2423$x$\u2423", "]]>",
                       "\\xed\\xa0\\x80", "a\u21b5b\u240d\u21b5\u21e5"):
            self.assertTrue(any(wanted in text for text in texts), wanted)

    def test_tables_hold_what_is_drawn(self):
        with open(FOLDER / "heat_map.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 30 * 29)
        root = ElementTree.parse(FOLDER / "heat_map.svg").getroot()
        hovers = [title.text.rsplit("\n", 1)[1] for title in
                  root.iter(SVG + "title") if "\nlayer " in (title.text or "")]
        drawn = sorted((int(layer), float(value)) for layer, value in
                       (re.fullmatch(r"layer (\d+), (\S+) nats", hover).groups()
                        for hover in hovers))
        table = sorted((int(row["layer"]), float(row["entropy"]))
                       for row in rows)
        self.assertEqual(len(drawn), len(table))
        for (layer, shown), (row_layer, value) in zip(drawn, table):
            self.assertEqual(layer, row_layer)
            self.assertTrue(math.isclose(shown, value, rel_tol=0.006), value)

    def test_every_figure_has_a_table(self):
        for file, _ in self.figures():
            with open(file.with_suffix(".csv"), encoding="utf-8",
                      errors="surrogateescape", newline="") as table:
                rows = list(csv.reader(table))
            self.assertGreater(len(rows[0]), 2)
            for row in rows:
                self.assertEqual(len(row), len(rows[0]))


if __name__ == "__main__":
    samples.main(sys.modules["__main__"])
