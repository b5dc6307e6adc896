#include "proto/certificate.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <initializer_list>
#include <memory>
#include <utility>

#include "proto/security.h"

namespace lens::proto {
namespace {

template <typename T, void (*release)(T*)>
struct Release {
  void operator()(T* pointer) const { release(pointer); }
};
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Release<X509, X509_free>>;
using Number = std::unique_ptr<BIGNUM, Release<BIGNUM, BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION,
                                  Release<X509_EXTENSION, X509_EXTENSION_free>>;
struct ReleaseBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using Bio = std::unique_ptr<BIO, ReleaseBio>;

constexpr long kSecondsPerDay = 24 * 60 * 60;

absl::Status openssl_error(const char* what) {
  char text[256] = "unknown error";
  if (const auto code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof(text));
  }
  return absl::InternalError(std::string("cannot make certificates (") + what +
                             ": " + text + ")");
}

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

absl::StatusOr<CertificatePair> as_pem(X509* certificate, EVP_PKEY* key) {
  const Bio certificate_bio(BIO_new(BIO_s_mem()));
  const Bio key_bio(BIO_new(BIO_s_mem()));
  if (!certificate_bio || !key_bio ||
      PEM_write_bio_X509(certificate_bio.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key, nullptr, nullptr, 0,
                                    nullptr, nullptr) != 1) {
    return openssl_error("PEM");
  }
  return CertificatePair{bio_text(certificate_bio.get()),
                         bio_text(key_bio.get())};
}

bool set_random_serial(X509* certificate) {
  const Number serial(BN_new());
  return serial &&
         BN_rand(serial.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) !=
             nullptr;
}

bool set_name(X509_NAME* name, const char* common_name) {
  return X509_NAME_add_entry_by_txt(
             name, "CN", MBSTRING_ASC,
             reinterpret_cast<const unsigned char*>(common_name), -1, -1,
             0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid,
                   const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

using ExtensionList = std::initializer_list<std::pair<int, std::string>>;

// `issuer` null: self-signed.
absl::StatusOr<Certificate> sign(EVP_PKEY* key, const char* common_name,
                                 X509* issuer, EVP_PKEY* issuer_key, int days,
                                 const ExtensionList& extensions) {
  Certificate certificate(X509_new());
  X509* const raw = certificate.get();
  if (raw == nullptr || X509_set_version(raw, X509_VERSION_3) != 1 ||
      !set_random_serial(raw) ||
      X509_gmtime_adj(X509_getm_notBefore(raw), -kSecondsPerDay) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(raw), days * kSecondsPerDay) ==
          nullptr ||
      X509_set_pubkey(raw, key) != 1 ||
      !set_name(X509_get_subject_name(raw), common_name)) {
    return openssl_error(common_name);
  }
  X509* const parent = issuer != nullptr ? issuer : raw;
  if (X509_set_issuer_name(raw, X509_get_subject_name(parent)) != 1) {
    return openssl_error(common_name);
  }
  for (const auto& [nid, value] : extensions) {
    if (!add_extension(raw, parent, nid, value)) {
      return openssl_error(value.c_str());
    }
  }
  if (X509_sign(raw, issuer_key, EVP_sha256()) == 0) {
    return openssl_error("signature");
  }
  return certificate;
}

absl::StatusOr<CertificatePair> make_leaf(const char* common_name,
                                          const char* usage, X509* authority,
                                          EVP_PKEY* authority_key, int days) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error("P-256 key");
  // One usage each: a client's certificate cannot pose as the coordinator's.
  auto leaf = sign(key.get(), common_name, authority, authority_key, days,
                   {{NID_basic_constraints, "critical,CA:FALSE"},
                    {NID_key_usage, "critical,digitalSignature"},
                    {NID_ext_key_usage, usage},
                    {NID_subject_alt_name, std::string("DNS:") + common_name},
                    {NID_authority_key_identifier, "keyid"}});
  if (!leaf.ok()) return leaf.status();
  return as_pem(leaf->get(), key.get());
}

}  // namespace

absl::StatusOr<RunCertificates> make_certificates(int days) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error("P-256 key");
  auto authority =
      sign(key.get(), "lens run authority", nullptr, key.get(), days,
           {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
            {NID_key_usage, "critical,keyCertSign"},
            {NID_subject_key_identifier, "hash"}});
  if (!authority.ok()) return authority.status();
  auto pem = as_pem(authority->get(), key.get());
  if (!pem.ok()) return pem.status();
  auto server =
      make_leaf(kServerName, "serverAuth", authority->get(), key.get(), days);
  if (!server.ok()) return server.status();
  auto client =
      make_leaf("lens-client", "clientAuth", authority->get(), key.get(), days);
  if (!client.ok()) return client.status();
  return RunCertificates{.authority = pem->certificate,
                         .server = *std::move(server),
                         .client = *std::move(client)};
}

bool valid_for_days(const std::string& certificate, int days) {
  const Bio bio(BIO_new_mem_buf(certificate.data(),
                                static_cast<int>(certificate.size())));
  const Certificate parsed(
      bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!parsed) return false;
  std::time_t limit = std::time(nullptr) + days * kSecondsPerDay;
  return X509_cmp_time(X509_get0_notAfter(parsed.get()), &limit) > 0;
}

}  // namespace lens::proto
