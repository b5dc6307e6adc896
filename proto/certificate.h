#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace lens::proto {

// The name in the coordinator's certificate, whatever host it runs on: clients
// check against it. Part of the wire.
inline constexpr char kServerName[] = "lens-coordinator";

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

// Makes fresh P-256 keys and certificates. Valid from 1970 to the end of the
// year 9999, which in certificates stands for no end: they live as long as the
// run directory, and no clock of a host matters.
absl::StatusOr<RunCertificates> make_certificates();

// Whether `certificate` is one certificate as this program writes it, without
// a byte more, and signed by `authority`. Both as PEM text.
bool is_signed_by(const std::string& certificate, const std::string& authority);

// Whether `pair`'s key is that of its certificate, and as this program writes
// it.
bool is_pair(const CertificatePair& pair);

}  // namespace lens::proto
