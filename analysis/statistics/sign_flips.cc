#include "analysis/statistics/sign_flips.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "analysis/statistics/parallel.h"

namespace lens::analysis::statistics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// A sum of the same numbers in another order is "at least as large" too.
constexpr double kSlack = 1 - 1e-9;
// Flips that share one pass over the rows, as in bootstrap.cc.
constexpr int kTogether = 32;

// [column]
std::vector<double> square_sums(const ClusterMatrix& matrix) {
  std::vector<double> squares(matrix.columns, 0.0);
  for (std::size_t i = 0; i < matrix.values.size(); ++i)
    squares[i % matrix.columns] += matrix.values[i] * matrix.values[i];
  return squares;
}

// Columns of a length of 1: what a sum of signed values is divided by does not
// depend on the signs, so |sum| grows with |t|.
ClusterMatrix unit_columns(ClusterMatrix matrix,
                           const std::vector<double>& squares) {
  for (std::size_t i = 0; i < matrix.values.size(); ++i)
    if (squares[i % matrix.columns] > 0)
      matrix.values[i] /= std::sqrt(squares[i % matrix.columns]);
  return matrix;
}

// t of a sum of n values whose squares sum to 1.
double t_of(double sum, double n) {
  const double variance = std::max(1 - sum * sum / n, 1e-12) / (n - 1);
  return sum / n / std::sqrt(variance / n);
}

// The largest size of the column sums of each flip [begin, end), into `largest`
// [flip].
void flip_tile(const ClusterMatrix& matrix, std::span<const double> sums,
               const RandomStream& stream, int begin, int end,
               std::vector<double>& of_turned, std::span<double> largest) {
  const std::size_t n = matrix.clusters(), words = (n + 63) / 64;
  of_turned.assign(static_cast<std::size_t>(end - begin) * matrix.columns, 0.0);
  for (std::size_t c = 0; c < n; ++c) {
    const auto row = matrix.row(c);
    for (int q = begin; q < end; ++q) {
      const std::uint64_t bits =
          stream.bits(static_cast<std::uint64_t>(q) * words + c / 64);
      if ((bits >> (c % 64) & 1) == 0) continue;
      double* to = of_turned.data() +
                   static_cast<std::size_t>(q - begin) * matrix.columns;
      for (std::size_t k = 0; k < row.size(); ++k) to[k] += row[k];
    }
  }
  for (int q = begin; q < end; ++q) {
    const auto turned = std::span(of_turned).subspan(
        static_cast<std::size_t>(q - begin) * matrix.columns, matrix.columns);
    double most = 0;
    for (std::size_t k = 0; k < turned.size(); ++k)
      most = std::max(most, std::abs(sums[k] - 2 * turned[k]));
    largest[static_cast<std::size_t>(q)] = most;
  }
}

}  // namespace

double SignFlipResult::least_p() const {
  return p.empty() ? 1 : *std::min_element(p.begin(), p.end());
}

SignFlipResult test_sign_flips(const ClusterMatrix& differences, int flips,
                               const RandomStream& stream) {
  const std::vector<double> squares = square_sums(differences);
  const ClusterMatrix matrix = unit_columns(differences, squares);
  const std::vector<double> sums = column_sums(matrix);
  std::vector<double> largest(static_cast<std::size_t>(flips), 0.0);
  in_parallel(flips, [&](int begin, int end) {
    std::vector<double> of_turned;
    for (int q = begin; q < end; q += kTogether)
      flip_tile(matrix, sums, stream, q, std::min(end, q + kTogether),
                of_turned, largest);
  });
  std::sort(largest.begin(), largest.end());
  SignFlipResult result;
  const auto n = static_cast<double>(matrix.clusters());
  for (std::size_t k = 0; k < matrix.columns; ++k) {
    if (!(squares[k] > 0)) {
      result.t.push_back(kNan);
      result.p.push_back(1);
      continue;
    }
    const auto as_large =
        largest.end() - std::lower_bound(largest.begin(), largest.end(),
                                         std::abs(sums[k]) * kSlack);
    result.t.push_back(t_of(sums[k], n));
    // The signs that were observed are one of them: p is never 0.
    result.p.push_back((1.0 + static_cast<double>(as_large)) / (1.0 + flips));
  }
  return result;
}

}  // namespace lens::analysis::statistics
