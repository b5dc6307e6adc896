#include "proto/certificate.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <initializer_list>
#include <memory>
#include <utility>

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

// RFC 5280, 4.1.2.5: the second one is the value for no well-defined end.
constexpr char kNotBefore[] = "19700101000000Z";
constexpr char kNotAfter[] = "99991231235959Z";

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

Bio bio_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Empty where there is no memory.
std::string certificate_text(const Certificate& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  return bio && PEM_write_bio_X509(bio.get(), certificate.get()) == 1
             ? bio_text(bio.get())
             : "";
}

std::string key_text(const Key& key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  return bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr,
                                              nullptr, 0, nullptr, nullptr) == 1
             ? bio_text(bio.get())
             : "";
}

// TLS connections of the same thread would take an error that is left for one
// of their own.
struct NoErrorLeft {
  ~NoErrorLeft() { ERR_clear_error(); }
};

// Null where `text` is none.
Certificate read_certificate(const std::string& text) {
  const Bio bio = bio_of(text);
  return Certificate(
      bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

// A damaged key must not make a program ask for its password.
int no_password(char*, int, int, void*) { return -1; }

absl::StatusOr<CertificatePair> as_pem(const Certificate& certificate,
                                       const Key& key) {
  CertificatePair pair{certificate_text(certificate), key_text(key)};
  if (pair.certificate.empty() || pair.private_key.empty()) {
    return openssl_error("PEM");
  }
  return pair;
}

bool set_random_serial(X509* certificate) {
  // RFC 5280 wants it positive and of at most 20 octets.
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
                                 X509* issuer, EVP_PKEY* issuer_key,
                                 const ExtensionList& extensions) {
  Certificate certificate(X509_new());
  X509* const raw = certificate.get();
  if (raw == nullptr || X509_set_version(raw, X509_VERSION_3) != 1 ||
      !set_random_serial(raw) ||
      ASN1_TIME_set_string_X509(X509_getm_notBefore(raw), kNotBefore) != 1 ||
      ASN1_TIME_set_string_X509(X509_getm_notAfter(raw), kNotAfter) != 1 ||
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
                                          EVP_PKEY* authority_key) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error("P-256 key");
  // One usage each: a client's certificate cannot pose as the coordinator's.
  auto leaf = sign(key.get(), common_name, authority, authority_key,
                   {{NID_basic_constraints, "critical,CA:FALSE"},
                    {NID_key_usage, "critical,digitalSignature"},
                    {NID_ext_key_usage, usage},
                    {NID_subject_alt_name, std::string("DNS:") + common_name},
                    {NID_authority_key_identifier, "keyid"}});
  if (!leaf.ok()) return leaf.status();
  return as_pem(*leaf, key);
}

}  // namespace

absl::StatusOr<RunCertificates> make_certificates() {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error("P-256 key");
  auto authority = sign(key.get(), "lens run authority", nullptr, key.get(),
                        {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                         {NID_key_usage, "critical,keyCertSign"},
                         {NID_subject_key_identifier, "hash"}});
  if (!authority.ok()) return authority.status();
  auto pem = as_pem(*authority, key);
  if (!pem.ok()) return pem.status();
  auto server =
      make_leaf(kServerName, "serverAuth", authority->get(), key.get());
  if (!server.ok()) return server.status();
  auto client =
      make_leaf("lens-client", "clientAuth", authority->get(), key.get());
  if (!client.ok()) return client.status();
  return RunCertificates{.authority = pem->certificate,
                         .server = *std::move(server),
                         .client = *std::move(client)};
}

bool is_signed_by(const std::string& certificate,
                  const std::string& authority) {
  const NoErrorLeft cleared;
  const Certificate signed_one = read_certificate(certificate);
  const Certificate signer = read_certificate(authority);
  // Written again it must be the same text: PEM readers skip what they do not
  // know, so that a damaged file could pass.
  if (!signed_one || !signer || certificate_text(signed_one) != certificate ||
      X509_NAME_cmp(X509_get_issuer_name(signed_one.get()),
                    X509_get_subject_name(signer.get())) != 0) {
    return false;
  }
  EVP_PKEY* const key = X509_get0_pubkey(signer.get());
  return key != nullptr && X509_verify(signed_one.get(), key) == 1;
}

bool is_pair(const CertificatePair& pair) {
  const NoErrorLeft cleared;
  const Certificate certificate = read_certificate(pair.certificate);
  const Bio bio = bio_of(pair.private_key);
  const Key key(
      bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)
          : nullptr);
  // As above: the same text again.
  return certificate && key && key_text(key) == pair.private_key &&
         X509_check_private_key(certificate.get(), key.get()) == 1;
}

}  // namespace lens::proto
