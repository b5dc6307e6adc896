#include "cli/run_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace lens::cli {
namespace {

using nlohmann::ordered_json;

std::int64_t sum(const RunStatus& status,
                 std::int64_t RunStatus::Dataset::*count) {
  std::int64_t total = 0;
  for (const RunStatus::Dataset& dataset : status.datasets)
    total += dataset.*count;
  return total;
}

double percent(std::int64_t part, std::int64_t whole) {
  return whole == 0
             ? 100.0
             : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// `ranks` processes make the worker.
std::string worker_line(const RunStatus::Worker& worker, int ranks) {
  std::string units;
  for (const int unit : worker.units)
    units += (units.empty() ? "" : ", ") + std::to_string(unit);
  return fmt::format(
      "  worker {} on {} (pid {}, {}, {}): {} samples, units [{}], "
      "heard {:.1f} s ago\n",
      worker.id, worker.host, worker.pid,
      ranks == 1
          ? fmt::format("rank {}", worker.rank)
          : fmt::format("ranks {}-{}", worker.rank, worker.rank + ranks - 1),
      worker.device, worker.samples_done, units,
      worker.seconds_since_heartbeat);
}

std::string failure_line(const RunStatus::Failure& failure) {
  return fmt::format(
      "  unit {}, attempt {}: {}{}{}\n", failure.unit, failure.attempt,
      failure.failure_class,
      failure.sample_id.empty() ? "" : ", sample " + failure.sample_id,
      failure.reason.empty() ? "" : ": " + failure.reason);
}

// Attempts that were lost to a stop or a dead host say nothing about the run.
std::string failures_text(const std::vector<RunStatus::Failure>& failures) {
  constexpr int kMost = 10;
  std::string text;
  int shown = 0;
  int left_out = 0;
  for (const RunStatus::Failure& failure : failures) {
    if (failure.failure_class == "lost") continue;
    if (shown == kMost) {
      ++left_out;
      continue;
    }
    if (shown++ == 0) text += "failed attempts, latest first\n";
    text += failure_line(failure);
  }
  if (left_out > 0)
    text += fmt::format("  and {} more: --json shows them\n", left_out);
  return text;
}

}  // namespace

std::int64_t RunStatus::total() const {
  return sum(*this, &RunStatus::Dataset::total);
}
std::int64_t RunStatus::done() const {
  return sum(*this, &RunStatus::Dataset::done);
}
std::int64_t RunStatus::failed() const {
  return sum(*this, &RunStatus::Dataset::failed);
}

std::string status_json(const RunStatus& status) {
  ordered_json datasets = ordered_json::object();
  for (const RunStatus::Dataset& dataset : status.datasets)
    datasets[dataset.name] = {{"total", dataset.total},
                              {"done", dataset.done},
                              {"failed", dataset.failed}};
  ordered_json workers = ordered_json::array();
  for (const RunStatus::Worker& worker : status.workers)
    workers.push_back(
        {{"id", worker.id},
         {"host", worker.host},
         {"pid", worker.pid},
         {"rank", worker.rank},
         {"device", worker.device},
         {"seconds_since_heartbeat", worker.seconds_since_heartbeat},
         {"units", worker.units},
         {"samples_done", worker.samples_done}});
  ordered_json failures = ordered_json::array();
  for (const RunStatus::Failure& failure : status.failures)
    failures.push_back({{"unit", failure.unit},
                        {"attempt", failure.attempt},
                        {"class", failure.failure_class},
                        {"sample_id", failure.sample_id},
                        {"reason", failure.reason}});
  const ordered_json object = {
      {"state", std::string(coordinator::run_state_name(status.state))},
      {"datasets", datasets},
      {"workers", workers},
      {"tensor_parallel", status.tensor_parallel},
      {"samples_per_second", status.samples_per_second},
      {"eta_seconds", status.eta_seconds ? ordered_json(*status.eta_seconds)
                                         : ordered_json(nullptr)},
      {"samples_total", status.total()},
      {"samples_done", status.done()},
      {"samples_failed", status.failed()},
      {"units",
       {{"total", status.units_total},
        {"committed", status.units_committed},
        {"leased", status.units_leased}}},
      {"failures", failures},
      {"oldest_lease_seconds", status.oldest_lease_seconds},
      {"uptime_seconds", status.uptime_seconds},
      {"draining", status.draining},
      {"run_id", status.run_id},
      {"software_version", status.software_version},
      {"source", status.source},
      {"results", status.results},
      {"message", status.message}};
  // Reasons may quote broken text of a data set.
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string status_text(const RunStatus& status) {
  std::string text(coordinator::run_state_name(status.state));
  if (!status.message.empty()) text += ": " + status.message;
  text += "\n";
  for (const RunStatus::Dataset& dataset : status.datasets)
    text += fmt::format("  {:<10} {}/{} samples ({:.1f} %), {} failed\n",
                        dataset.name, dataset.done, dataset.total,
                        percent(dataset.done, dataset.total), dataset.failed);
  text += fmt::format("  {:<10} {}/{} committed, {} in work\n", "units",
                      status.units_committed, status.units_total,
                      status.units_leased);
  if (status.state == RunState::kRunning) {
    text += fmt::format(
        "  {:<10} {}, {} left\n", "speed",
        status.samples_per_second > 0
            ? fmt::format("{:.2f} samples/s", status.samples_per_second)
            : "not known yet",
        status.eta_seconds ? duration_text(*status.eta_seconds)
                           : "unknown time");
  }
  for (const RunStatus::Worker& worker : status.workers)
    text += worker_line(worker, status.tensor_parallel);
  text += failures_text(status.failures);
  return text;
}

std::string duration_text(double seconds) {
  const auto whole =
      static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600)
    return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  if (whole < 86400)
    return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  return fmt::format("{} d {:02} h", whole / 86400, whole / 3600 % 24);
}

}  // namespace lens::cli
