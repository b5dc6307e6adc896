// report_page PATH OUT [SAMPLES [MOST_BYTES]]: writes the report of a run, for
// the test that opens it in a browser.

#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include "analysis/report/report.h"

int main(int argc, char** argv) {
  using namespace lens::analysis;
  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: report_page PATH OUT [SAMPLES [MOST_BYTES]]\n");
    return 2;
  }
  try {
    const Source source = open_source(argv[1]);
    report::ReportOptions options;
    options.command_line = "report_page " + std::string(argv[1]);
    options.software_version = "lens of the tests";
    if (argc > 3) options.samples = std::stoul(argv[3]);
    if (argc > 4) options.most_bytes = std::stoul(argv[4]);
    const report::Report page = report::make_report(source, options);
    std::ofstream(argv[2], std::ios::binary) << page.html;
    for (const std::string& note : page.notes)
      std::printf("%s\n", note.c_str());
    std::printf("%zu shown, %zu listed, %zu samples, %zu bytes\n",
                page.samples_shown, page.samples_listed, page.samples,
                page.html.size());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "report_page: %s\n", error.what());
    return 1;
  }
}
