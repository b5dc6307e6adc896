#include "input/text/nfc.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uniset.h>

#include <algorithm>
#include <stdexcept>

namespace lens::text {
namespace {

void require(UErrorCode status) {
  if (U_FAILURE(status)) {
    throw std::runtime_error(std::string("cannot use ICU's data (") +
                             u_errorName(status) +
                             "); install ICU's libraries anew");
  }
}

// NFC that leaves alone what Unicode 9.0 did not know: a character that has no
// composition there may have one today.
class ReferenceNfc {
 public:
  ReferenceNfc()
      : known_(u"[:age=9.0:]", status_), nfc_(whole_nfc(status_), known_) {
    require(status_);
    // Frozen sets are safe on several threads, and fast.
    known_.freeze();
  }

  std::string operator()(std::string_view utf8) const {
    std::string text;
    text.reserve(utf8.size());
    icu::StringByteSink<std::string> sink(&text);
    UErrorCode status = U_ZERO_ERROR;
    nfc_.normalizeUTF8(0, utf8, sink, nullptr, status);
    require(status);
    return text;
  }

 private:
  static const icu::Normalizer2& whole_nfc(UErrorCode& status) {
    const icu::Normalizer2* const nfc =
        icu::Normalizer2::getNFCInstance(status);
    require(status);
    return *nfc;
  }

  UErrorCode status_ = U_ZERO_ERROR;
  icu::UnicodeSet known_;
  icu::FilteredNormalizer2 nfc_;
};

}  // namespace

std::string to_nfc(std::string_view utf8) {
  // ASCII is its own NFC: most texts need no ICU.
  const bool ascii = std::all_of(utf8.begin(), utf8.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80;
  });
  if (ascii) return std::string(utf8);
  static const ReferenceNfc nfc;
  return nfc(utf8);
}

}  // namespace lens::text
