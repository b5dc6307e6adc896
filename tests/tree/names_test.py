""".ci/names: what it finds and what it leaves alone."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

NAMES = pathlib.Path(__file__).resolve().parents[2] / ".ci" / "names"


def run(*texts):
    """Exit code and output of the script over files with these texts."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, text in enumerate(texts):
            files.append(f"{folder}/{number}.cc")
            pathlib.Path(files[-1]).write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, NAMES, *files],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout


class NamesTest(unittest.TestCase):
    def test_two_types_of_one_name_are_found(self):
        code, text = run("namespace a::b {\nstruct Texts { int x; };\n}\n",
                         "namespace a {\nnamespace b {\nenum class Texts : int { kX };\n}\n}\n")
        self.assertEqual(code, 1)
        self.assertIn("a::b::Texts is defined 2 times", text)
        self.assertIn("1.cc:3", text)

    def test_a_type_within_a_type_counts_by_its_full_name(self):
        inner = "namespace a {{ class {} {{ public: struct Inner final : Base {{}}; }}; }}"
        self.assertEqual(run(inner.format("X"), inner.format("Y")), (0, ""))

    def test_what_no_other_file_can_see_is_left_alone(self):
        unnamed = "namespace a {\nnamespace {\nstruct Local {};\n}\n}\n"
        in_function = "namespace a { void f() { struct Local {}; } }\n"
        self.assertEqual(run(unnamed, unnamed, in_function, in_function), (0, ""))

    def test_comments_texts_and_declarations_are_no_definitions(self):
        quiet = ('namespace a {\n// struct T {\n/* struct T { */\nstruct T;\n'
                 'const char* text = "struct T {";\nconst char brace = \'{\';\n'
                 'auto raw = R"(struct T { )";\nvoid take(struct T* t);\n}\n')
        self.assertEqual(run(quiet, quiet, "namespace a { struct T {}; }"), (0, ""))

    def test_specialisations_are_apart(self):
        code, text = run("template <> struct hash<A> {};", "template <> struct hash<B> {};")
        self.assertEqual((code, text), (0, ""))


if __name__ == "__main__":
    unittest.main()
