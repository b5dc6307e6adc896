// A library that has no more of NCCL than a version.

extern "C" int ncclGetVersion(int* version) {
  *version = LENS_FAKE_VERSION;
  return 0;
}
