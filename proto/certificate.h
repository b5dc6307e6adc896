#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace lens::proto {

// A certificate and its private key, both as PEM text.
struct CertificatePair {
  std::string certificate;
  std::string private_key;
};

// The three ends of a run's trust. The authority's own key is not among them:
// it signs these two and is forgotten.
struct RunCertificates {
  std::string authority;   // PEM, the root that both sides check against
  CertificatePair server;  // subject alternative name kServerName
  CertificatePair client;
};

// Makes fresh P-256 keys and certificates, valid from yesterday (hosts' clocks
// differ) for `days`.
absl::StatusOr<RunCertificates> make_certificates(int days);

// Whether `certificate` (PEM) is still valid in `days`.
bool valid_for_days(const std::string& certificate, int days);

}  // namespace lens::proto
