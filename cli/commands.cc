#include "cli/command.h"
#include "cli/data_command.h"
#include "cli/diff_command.h"
#include "cli/doctor_command.h"
#include "cli/export_command.h"
#include "cli/merge_command.h"
#include "cli/plan_command.h"
#include "cli/query_command.h"
#include "cli/report_command.h"
#include "cli/run_command.h"
#include "cli/show_command.h"
#include "cli/stats_command.h"
#include "cli/status_command.h"
#include "cli/tokenize_command.h"
#include "cli/try_command.h"
#include "cli/verify_command.h"

namespace lens::cli {

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_try_command());
  commands.push_back(make_data_command());
  commands.push_back(make_run_command());
  commands.push_back(make_plan_command());
  commands.push_back(make_status_command());
  commands.push_back(make_merge_command());
  commands.push_back(make_verify_command());
  commands.push_back(make_report_command());
  commands.push_back(make_stats_command());
  commands.push_back(make_diff_command());
  commands.push_back(make_export_command());
  commands.push_back(make_show_command());
  commands.push_back(make_query_command());
  commands.push_back(make_tokenize_command());
  commands.push_back(make_doctor_command());
  return commands;
}

}  // namespace lens::cli
