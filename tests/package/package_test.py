"""The archive of scripts/package.sh, in a root with nothing but the C library.

    package_test.py --build build

Lays the archive out, puts it into an empty root with the C library's own files
and a shell, and does there what a user would: one picture, a run of two workers
over the archive's Open MPI, a model over two processes.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = None
# What belongs together in the C library of a Linux, and its loader.
C_LIBRARY = ("ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libmvec.so.1",
             "libdl.so.2", "librt.so.1", "libpthread.so.0", "libutil.so.1",
             "libresolv.so.2")
ENTER = """
set -e
mkdir -p "$1/proc" "$1/dev/shm" "$1/sys"
mount --rbind /sys "$1/sys"
mount -t proc proc "$1/proc"
for name in null zero urandom random; do
  touch "$1/dev/$name"; mount --bind "/dev/$name" "$1/dev/$name"
done
mount -t tmpfs tmpfs "$1/dev/shm"
root=$1; shift
change_root=$(PATH=$PATH:/usr/sbin:/sbin command -v chroot)
exec env -i HOME=/ PATH=/bin "$change_root" "$root" "$@"
"""


def library(name):
    listed = subprocess.run(["/sbin/ldconfig", "-p"], text=True, check=True,
                            stdout=subprocess.PIPE).stdout
    found = re.search(rf"^\s*{re.escape(name)} \(.*x86-64.*\) => (\S+)$", listed,
                      re.MULTILINE)
    return pathlib.Path(found[1]) if found else None


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name) / "root"
        # A name with a space: no path may be split.
        cls.place = cls.root / "opt/lens archive"
        cls.place.parent.mkdir(parents=True)
        subprocess.run([ROOT / "scripts/package.sh", "--folder", cls.place],
                       check=True, timeout=300, stdout=subprocess.DEVNULL,
                       env={**os.environ, "LENS_BUILD_DIR": str(BUILD)})
        # Debian's folder and everybody else's.
        (cls.root / "lib/x86_64-linux-gnu").mkdir(parents=True)
        (cls.root / "lib64").symlink_to("lib/x86_64-linux-gnu")
        for name in ("bin", "tmp", "etc"):
            (cls.root / name).mkdir()
        for name in C_LIBRARY:
            if path := library(name):
                shutil.copy(path, cls.root / "lib64" / name)
        for name in ("sh", "dirname", "hostname"):
            shutil.copy(shutil.which(name), cls.root / "bin" / name)
        # mpirun asks who it runs for.
        (cls.root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def apart(self, *words):
        return subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "--pid",
             "--fork", "--kill-child", *map(str, words)], text=True,
            timeout=300, capture_output=True)

    def inside(self, *words):
        return self.apart("sh", "-c", ENTER, "sh", self.root, *words)

    def lens(self, *words):
        return self.inside("/opt/lens archive/bin/lens", *words)

    def require_root(self):
        probe = self.apart("mount", "-t", "tmpfs", "tmpfs", "/mnt")
        if probe.returncode != 0:
            self.skipTest("no namespaces of one's own here: " + probe.stderr)

    def test_everything_that_is_loaded_lies_in_the_archive(self):
        lib = self.place / "lib"
        files = [self.place / "bin" / name for name in
                 ("lens", "lens-worker", "lens-coordinator", "lens-dump")]
        files += sorted(lib.glob("*.so*"))
        files += sorted(lib.glob("openmpi/lib/*/*.so"))
        self.assertGreater(len(files), 100)
        for file in files:
            told = subprocess.run(["readelf", "-d", file], text=True, check=True,
                                  stdout=subprocess.PIPE).stdout
            for path in re.findall(r"R(?:UN)?PATH\).*\[(.*)\]", told):
                for part in path.split(":"):
                    self.assertTrue(part.startswith("$ORIGIN"), (file, part))
            for name in re.findall(r"NEEDED.*\[(.*)\]", told):
                self.assertTrue(name in C_LIBRARY or (lib / name).exists(),
                                (file.name, name))

    def test_one_picture_in_an_empty_root(self):
        self.require_root()
        done = self.lens("try", "--model",
                         "/opt/lens archive/share/lens/demo/model",
                         "/opt/lens archive/share/lens/demo/formula.png",
                         "--question", "Using LaTeX to perform OCR on the image.",
                         "-o", "/tmp/page.html")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("theta", done.stdout)
        self.assertTrue((self.root / "tmp/page.html").exists())

    def run_demo(self, name, *words):
        done = self.lens("run", "--model",
                         "/opt/lens archive/share/lens/demo/model",
                         "--dataset",
                         "mtvqa=/opt/lens archive/share/lens/demo/data/mtvqa",
                         "--limit", 4, "--unit-images", 1, "--threads", 1,
                         "--max-new-tokens", 4, "--out", f"/tmp/{name}", *words)
        log = self.root / f"tmp/{name}/logs/workers.log"
        said = log.read_text() if log.exists() else ""
        self.assertEqual(done.returncode, 0, done.stderr + said)
        self.assertIn("4 samples: 4 ok", done.stdout)

    def test_two_workers_in_an_empty_root(self):
        self.require_root()
        self.run_demo("two", "--workers", 2)

    def test_a_model_over_two_processes_in_an_empty_root(self):
        self.require_root()
        self.run_demo("shared", "--tensor-parallel", 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    options, rest = parser.parse_known_args()
    BUILD = pathlib.Path(options.build).resolve()
    unittest.main(argv=sys.argv[:1] + rest)
