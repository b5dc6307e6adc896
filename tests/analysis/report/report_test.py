#!/usr/bin/env python3
"""Opens a report in headless Chromium, from a file, with no network, and uses
it as a reader does: report_test.py REPORT_PAGE SAMPLE_RUN

The run has two data sets, five states, texts in several scripts, failed samples
and empty answers; what the page shows is compared with the file as h5py reads
it. Exit code 77 where Chromium or h5py is missing.
"""

import math
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

from browser import Browser, Missing

PAGE_PROGRAM = sys.argv[1]
RUN_PROGRAM = sys.argv[2]
ARROW_UP, ARROW_RIGHT, ENTER = "\ue013", "\ue014", "\ue007"


def is_shown(text, value):
    """Whether the page's text is `value` rounded to four digits; the page holds
    24 bits of each float."""
    value = float(value)
    if value == 0:
        return float(text) == 0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 3)
    return abs(float(text) - value) <= 0.501 * unit + 2e-5 * abs(value)


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.folder.name)
        subprocess.run([RUN_PROGRAM, root / "run"], check=True)
        cls.page = root / "report.html"
        command = [PAGE_PROGRAM, root / "run", cls.page, "20"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        cls.file = h5py.File(root / "run" / "results.h5")
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.file.close()
        cls.folder.cleanup()

    def setUp(self):
        self.browser.set_width(1280)
        self.browser.open("about:blank")
        self.browser.open(self.page.as_uri())

    def tearDown(self):
        problems = [entry for entry in self.browser.log() if "favicon" not in entry["message"]]
        self.assertEqual(problems, [])

    # What the page says.

    def text(self, selector):
        return self.browser.run("return document.querySelector(arguments[0]).textContent", selector)

    def count(self, selector):
        return self.browser.run("return document.querySelectorAll(arguments[0]).length", selector)

    def listed(self):
        """Keys of the rows in the list, from the top."""
        return self.browser.run(
            "return [...document.querySelectorAll('.list tbody tr')].map(r => r.dataset.key)"
        )

    def choose(self, label, value):
        self.browser.run(
            """for (const box of document.querySelectorAll('.filters label'))
                 if (box.firstChild.textContent === arguments[0]) {
                   const select = box.querySelector('select');
                   select.value = arguments[1];
                   select.dispatchEvent(new Event('change'));
                 }""",
            label,
            value,
        )

    def sort(self, name):
        self.browser.run(
            """for (const button of document.querySelectorAll('.list thead button'))
                 if (button.textContent.startsWith(arguments[0])) button.click()""",
            name,
        )

    def open_sample(self, key, token=None):
        pin = "" if token is None else f"&token={token + 1}"
        self.browser.run("location.hash = arguments[0]", f"#sample={key.replace('/', '%2F')}{pin}")
        self.browser.wait(
            "return document.querySelector('#sample h3').textContent === arguments[0]", key
        )

    def openable(self):
        return self.browser.run("return report.samples.map(s => s.key)")

    # What the file says.

    def sample(self, key):
        """Group, row, rows of its tokens."""
        dataset, name = key.split("/")
        group = self.file[dataset]
        row = list(group["sample_id"].asstr()[:]).index(name)
        begin, end = group["token_offset"][row : row + 2]
        return group, row, begin, end

    def long_sample(self):
        """An openable sample with at least three tokens."""
        for key in self.openable():
            _, _, begin, end = self.sample(key)
            if end - begin >= 3:
                return key
        self.fail("no sample with three tokens")

    def check_tip(self, key, token, layer):
        """The tooltip's values are those of the file."""
        group, _, begin, _ = self.sample(key)
        at = (begin + token, layer)
        columns = {"entropy": "entropy", "kl": "kl_final", "logprob": "target_logprob"}
        for name, column in columns.items():
            text = self.text(f'#tip [data-value="{name}"]')
            self.assertTrue(is_shown(text, group[column][at]), (name, text, group[column][at]))
        self.assertEqual(int(self.text('#tip [data-value="rank"]')), group["target_rank"][at])
        probabilities = self.browser.run(
            "return [...document.querySelectorAll('#tip [data-p]')].map(c => c.textContent)"
        )
        expected = np.exp(group["top_logprob"][at].astype(float))
        self.assertEqual(len(probabilities), len(expected))
        for text, value in zip(probabilities, expected):
            self.assertTrue(is_shown(text, value), (text, value))
        vocabulary = self.file["vocabulary/token_text"].asstr()
        words = self.browser.run(
            "return [...document.querySelectorAll('#tip tbody th')].map(c => c.textContent)"
        )
        # The fixture's texts hold nothing that the page marks.
        self.assertEqual(words, [vocabulary[i] for i in group["top_id"][at]])

    # Claims.

    def test_answers_come_before_figures_and_nothing_is_fetched(self):
        order = self.browser.run(
            "return [...document.querySelectorAll('main > section')].map(s => s.id)"
        )
        self.assertEqual(order, ["answers", "figures", "tests", "samples", "failures"])
        fetched = self.browser.run(
            "return performance.getEntriesByType('resource').map(e => e.name)"
            ".filter(n => !n.startsWith('data:') && !n.startsWith('blob:'))"
        )
        self.assertEqual(fetched, [])

    def test_policy_refuses_network_and_foreign_script(self):
        refused = self.browser.run(
            """window.ran = false;
               const script = document.createElement('script');
               script.textContent = 'window.ran = true';
               document.body.append(script);
               return !window.ran;"""
        )
        self.assertTrue(refused)
        self.browser.run("new Image().src = 'http://127.0.0.1:9/x.png'")
        messages = "\n".join(entry["message"] for entry in self.browser.log())
        self.assertIn("Content Security Policy", messages)

    def test_head_tells_the_run(self):
        self.assertIn(self.file.attrs["run_id"], self.text(".facts"))
        self.assertIn(self.file.attrs["model_sha256"], self.text("#provenance"))
        self.assertIn("not shown", self.text(".notes"))

    def test_every_sample_is_listed_once(self):
        expected = [f"{d}/{s}" for d in ("latex_ocr", "mtvqa") for s in self.file[d]["sample_id"].asstr()]
        self.assertEqual(sorted(self.listed()), sorted(expected))

    def test_filters_narrow_the_list(self):
        group = self.file["mtvqa"]
        languages = group["language"].asstr()[:]
        names = group["sample_id"].asstr()[:]
        self.choose("Data set", "mtvqa")
        self.choose("Language", "RU")
        self.assertEqual(
            sorted(self.listed()), sorted(f"mtvqa/{n}" for n, l in zip(names, languages) if l == "RU")
        )
        self.choose("Language", "")
        self.choose("Result", "failed")
        self.assertEqual(
            sorted(self.listed()), sorted(f"mtvqa/{n}" for n, s in zip(names, group["status"][:]) if s)
        )
        self.assertIn("the image is cut short", self.text(".list tbody"))
        self.choose("Result", "")
        self.browser.type(".filters input[type=search]", "العرب")
        found = [
            f"mtvqa/{n}"
            for n, r, a in zip(names, group["reference"].asstr()[:], group["answer"].asstr()[:])
            if "العرب" in r or "العرب" in a
        ]
        self.assertGreater(len(found), 0)
        self.assertLessEqual(set(found), set(self.listed()))
        self.assertLess(len(self.listed()), len(names))

    def test_columns_sort_both_ways(self):
        entropy = {}
        for dataset in ("latex_ocr", "mtvqa"):
            group = self.file[dataset]
            for name, values in zip(group["sample_id"].asstr()[:], group["entropy_mean"][:]):
                entropy[f"{dataset}/{name}"] = float(values[-1])
        known = sorted((k for k, v in entropy.items() if v == v), key=entropy.get)
        self.sort("entropy")
        self.assertEqual(self.listed()[: len(known)], known)
        head = "return document.querySelectorAll('.list thead th')[5].getAttribute('aria-sort')"
        self.assertEqual(self.browser.run(head), "ascending")
        self.sort("entropy")
        self.assertEqual(self.listed()[: len(known)], known[::-1])
        self.assertEqual(self.browser.run(head), "descending")

    def test_heat_map_has_the_files_cells_and_frames(self):
        key = self.long_sample()
        self.open_sample(key)
        group, _, begin, end = self.sample(key)
        top = group["top_id"][begin:end, :, 0]
        match = top == group["token_id"][begin:end][:, None]
        cells = self.browser.run(
            """return [...document.querySelectorAll('.map td')].map(c =>
                 [+c.dataset.token, +c.dataset.layer, c.classList.contains('match'), c.textContent])"""
        )
        self.assertEqual(len(cells), match.size)
        vocabulary = self.file["vocabulary/token_text"].asstr()
        for token, layer, framed, word in cells:
            self.assertEqual(framed, bool(match[token, layer]))
            self.assertEqual(word, vocabulary[top[token, layer]])
        tops = self.browser.run(
            "return [...document.querySelectorAll('.map tbody th')].map(h => +h.textContent)"
        )
        self.assertEqual(tops, list(range(top.shape[1]))[::-1])

    def test_hover_shows_the_files_values(self):
        for key in self.openable()[:4]:
            self.open_sample(key)
            for layer in (0, 3):
                self.browser.hover(f'.map td[data-token="0"][data-layer="{layer}"]')
                self.browser.wait("return !tip.hidden && hideTip.owner.dataset.layer == arguments[0]", layer)
                self.check_tip(key, 0, layer)
        self.browser.hover("#sample h3")
        self.browser.wait("return tip.hidden")

    def test_keyboard_moves_tells_and_pins(self):
        key = self.long_sample()
        self.open_sample(key)
        self.browser.run("document.querySelector('.map td[data-token=\"0\"][data-layer=\"1\"]').focus()")
        self.browser.press([ARROW_UP, ARROW_RIGHT])
        self.browser.wait("return !tip.hidden && hideTip.owner.dataset.token == 1")
        self.check_tip(key, 1, 2)
        words = self.browser.run("return document.activeElement.getAttribute('aria-label')")
        self.assertIn("layer 2, token 2", words)
        self.browser.press([ENTER])
        self.assertIn("&token=2", self.browser.run("return location.hash"))
        self.assertIn("token 2", self.text(".plots [aria-live] h4"))

    def test_pin_follows_the_emitted_token(self):
        key = self.long_sample()
        self.open_sample(key)
        self.browser.click('.map .tokens th[data-token="1"]')
        group, _, begin, _ = self.sample(key)
        expected = np.exp(group["target_logprob"][begin + 1].astype(float))
        lines = self.browser.run(
            """const sample = view.sample;
               return rivalsOf(sample, 1).concat([sample.token[1]]).map(text =>
                 followedLine(sample, 1, text, '', false).values.map(v => Number.isNaN(v) ? null : v))"""
        )
        np.testing.assert_allclose(lines[-1], expected, rtol=2e-5)
        drawn = self.count(".plots [aria-live] circle")
        self.assertEqual(drawn, sum(v is not None for line in lines for v in line))
        self.assertEqual(self.count(".map td.pinned"), group["entropy"].shape[1])
        self.browser.click('.map .tokens th[data-token="1"]')
        self.assertEqual(self.count(".map .pinned"), 0)

    def test_hash_opens_and_keeps_a_sample(self):
        key = self.openable()[-1]
        self.browser.open("about:blank")
        self.browser.open(self.page.as_uri() + f"#sample={key.replace('/', '%2F')}&token=1")
        self.assertEqual(self.text("#sample h3"), key)
        self.assertIn("token 1", self.text(".plots [aria-live] h4"))
        self.browser.open("about:blank")
        self.browser.open(self.page.as_uri() + "#sample=nothing%2F1&token=99")
        first = next(key for key in self.listed() if key in self.openable())
        self.assertEqual(self.text("#sample h3"), first)
        self.assertIn("no sample nothing/1", self.text("#sample-missing"))
        self.browser.run("location.hash = arguments[0]", f"#sample={key.replace('/', '%2F')}")
        self.browser.wait("return document.getElementById('sample-missing').hidden")

    def test_right_to_left_text_runs_to_the_left(self):
        direction = self.browser.run(
            """const cell = [...document.querySelectorAll('.list td')].find(c => /^[\\u0600-\\u06ff]/.test(c.textContent));
               return getComputedStyle(cell).direction"""
        )
        self.assertEqual(direction, "rtl")

    def test_files_are_the_embedded_ones(self):
        saved = self.browser.run(
            """const saved = [];
               URL.createObjectURL = (blob) => { saved.push(blob.size); return 'blob:'; };
               HTMLAnchorElement.prototype.click = function () { saved.push(this.download); };
               document.querySelector('[data-csv="onset"]').click();
               document.getElementById('study-file').click();
               return saved.concat([new Blob([report.csv.onset]).size]);"""
        )
        self.assertEqual(saved[1], "onset.csv")
        self.assertEqual(saved[0], saved[4])
        self.assertEqual(saved[3], "study.json")

    def test_dark_and_light_follow_system_and_button(self):
        colour = "return getComputedStyle(document.body).backgroundColor"
        self.browser.set_scheme("light")
        self.assertEqual(self.browser.run(colour), "rgb(255, 255, 255)")
        self.browser.set_scheme("dark")
        dark = self.browser.run(colour)
        self.assertNotEqual(dark, "rgb(255, 255, 255)")
        self.browser.click("#theme")
        self.assertEqual(self.browser.run(colour), "rgb(255, 255, 255)")
        self.browser.click("#theme")
        self.assertEqual(self.browser.run(colour), dark)
        self.browser.set_scheme("light")

    def test_narrow_window_does_not_scroll_sideways(self):
        self.browser.set_width(420)
        self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), 420)

    def test_paper_has_everything_but_controls(self):
        path = pathlib.Path(self.folder.name) / "report.pdf"
        self.browser.print_pdf(path)
        self.assertTrue(path.read_bytes().startswith(b"%PDF"))
        self.assertEqual(self.count("details[open]"), 0)
        parent = self.browser.run("return document.getElementById('provenance').parentNode.tagName")
        self.assertEqual(parent, "HEADER")


if __name__ == "__main__":
    try:
        Browser().close()
    except Missing as reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
