#pragma once

#include <string>
#include <vector>

#include "analysis/figures/figures.h"
#include "analysis/statistics/study.h"

namespace lens::analysis {

// The numbers of figures as CSV. Every table begins with
// `dataset,group,samples,layer` and gives values in full precision, empty where
// there is none.

std::string curves_csv(const std::vector<const Group*>& groups,
                       Curve Group::*member);  // ...,mean,low,high
std::string histogram_csv(const std::vector<const Group*>& groups);
std::string scripts_csv(const std::vector<const Group*>& groups,
                        const std::vector<std::string>& scripts);
std::string early_exit_csv(const std::vector<const Group*>& groups);

// Further rows of curves_csv(): single samples (group "sample 1" ...) and a
// line that is no group.
std::string thin_csv(const std::string& dataset,
                     const std::vector<std::vector<double>>& curves);
std::string line_csv(const CurveFigure::Line& line);

}  // namespace lens::analysis
