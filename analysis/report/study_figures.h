#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/metrics/sample_table.h"
#include "analysis/report/report_figure.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::report {

using Groups = std::vector<const statistics::Group*>;

// Draws what a study knows, one function for each figure with its caption.
// Study and tables outlive it.
class StudyFigures {
 public:
  // `largest_entropy` is ln V, the end of the entropy scale.
  StudyFigures(const statistics::Study& study,
               std::span<const metrics::SampleTable> tables,
               double largest_entropy)
      : study_(study), tables_(tables), largest_entropy_(largest_entropy) {}

  // Of one data set, with some single samples behind the mean.
  ReportFigure entropy(const statistics::Group& dataset) const;
  // The curves of two groups, and their difference as the study resampled it.
  ReportFigure comparison(const statistics::Comparison& comparison,
                          const std::string& id) const;

  // Of data sets, one line or panel each.
  ReportFigure onset(const Groups& datasets) const;
  ReportFigure early_exit(const Groups& datasets) const;
  ReportFigure agreement(const Groups& datasets) const;
  ReportFigure rank(const Groups& datasets) const;
  ReportFigure distance(const Groups& datasets) const;
  ReportFigure scripts(const Groups& datasets) const;

  // On the picture, of any groups that have it.
  ReportFigure attention(const std::string& id, const std::string& title,
                         const Groups& groups) const;

  // Of the languages of one data set.
  ReportFigure entropy_by_language(const Population& dataset,
                                   const Groups& languages) const;
  ReportFigure onset_by_language(const Population& dataset,
                                 const Groups& languages) const;
  ReportFigure scripts_by_language(const Population& dataset,
                                   const Groups& languages) const;

 private:
  std::string band_words() const;
  const statistics::Group* find_group(const Population& population) const;
  std::vector<std::vector<double>> thin_curves(const Population& dataset) const;
  ReportFigure stack(const std::string& id, const std::string& title,
                     const Groups& groups) const;

  const statistics::Study& study_;
  const std::span<const metrics::SampleTable> tables_;
  const double largest_entropy_;
};

}  // namespace lens::analysis::report
