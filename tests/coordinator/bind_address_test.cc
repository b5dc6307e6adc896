#include "coordinator/bind_address.h"

#include <gtest/gtest.h>

namespace lens::coordinator {
namespace {

// Clients without TLS believe numbers alone.
TEST(BindAddress, LoopbackIsAdvertisedInNumbers) {
  const auto bind = resolve_bind("localhost");
  ASSERT_TRUE(bind.ok()) << bind.status();
  EXPECT_TRUE(bind->loopback);
  EXPECT_TRUE(bind->advertise == "127.0.0.1" || bind->advertise == "::1")
      << bind->advertise;
  EXPECT_EQ(bind->listen, bind->advertise);
}

TEST(BindAddress, EverywhereIsAdvertisedByName) {
  for (const char* all : {"0.0.0.0", "::"}) {
    const auto bind = resolve_bind(all);
    ASSERT_TRUE(bind.ok()) << bind.status();
    EXPECT_FALSE(bind->loopback);
    EXPECT_EQ(bind->listen, all);
    EXPECT_NE(bind->advertise, all);
  }
}

TEST(BindAddress, WhatIsNoHostIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(resolve_bind("no host").status()));
}

}  // namespace
}  // namespace lens::coordinator
