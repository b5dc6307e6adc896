#include "cli/program.h"

int main(int argc, char** argv) { return lens::cli::lens_main(argc, argv); }
