#include "cli/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

using Level = Finding::Level;
using testing::HasSubstr;

TEST(Machine, CpuFeaturesAreReadFromTheFlagsLine) {
  const CpuInfo info = parse_cpuinfo(
      "processor\t: 0\nmodel name\t: Some CPU\n"
      "flags\t\t: fpu avx2 avx512f amx_bf16 x_avx512_bf16\n");
  EXPECT_EQ(info.model_name, "Some CPU");
  EXPECT_TRUE(info.avx2 && info.avx512f && info.amx_bf16);
  EXPECT_FALSE(info.avx512_bf16) << "another flag's name contains it";
  EXPECT_TRUE(info.fast_bfloat16());
  EXPECT_FALSE(parse_cpuinfo("flags : avx2 avx512f\n").fast_bfloat16());
  EXPECT_FALSE(parse_cpuinfo("").fast_bfloat16());
}

TEST(Machine, QuotaIsWholeCores) {
  EXPECT_EQ(parse_cpu_quota("max 100000"), 0);
  EXPECT_EQ(parse_cpu_quota("250000 100000"), 2);
  EXPECT_EQ(parse_cpu_quota("50000 100000"), 1);
  EXPECT_EQ(parse_cpu_quota(""), 0);
}

TEST(Machine, OwnControlGroupIsThatOfVersionTwo) {
  EXPECT_EQ(own_control_group("0::/\n"), "");
  EXPECT_EQ(own_control_group("12:pids:/x\n0::/slurm/job_7/step_0\n"),
            "slurm/job_7/step_0");
  EXPECT_EQ(own_control_group("1:name=systemd:/x\n"), "");
}

TEST(Doctor, WeightsLargerThanTheMemoryAreAProblem) {
  Machine machine;
  machine.available_bytes = 8'000'000'000;
  EXPECT_EQ(check_model_memory(machine, {{1, 1'000'000'000}}, "bfloat16").level,
            Level::kGood);
  EXPECT_EQ(check_model_memory(machine, {{1, 1'900'000'000}}, "bfloat16").level,
            Level::kNote);
  const Finding finding =
      check_model_memory(machine, {{1, 2'200'000'000}}, "bfloat16");
  EXPECT_EQ(finding.level, Level::kProblem);
  EXPECT_THAT(finding.text, HasSubstr("8.8 GB in float32"));
  EXPECT_THAT(finding.text, HasSubstr("--dtype bfloat16"));
  machine.cpu.amx_bf16 = true;
  EXPECT_EQ(check_model_memory(machine, {{1, 2'200'000'000}}, "bfloat16").level,
            Level::kGood);
}

TEST(Doctor, WeightsOverTheFreeMemoryAloneAreANote) {
  Machine machine;
  machine.memory_bytes = 32'000'000'000;
  machine.available_bytes = 4'000'000'000;
  const Finding finding =
      check_model_memory(machine, {{1, 2'200'000'000}}, "float32");
  EXPECT_EQ(finding.level, Level::kNote);
  EXPECT_THAT(finding.text, HasSubstr("end other programs"));
}

TEST(Doctor, OfficialModelsAreJudgedByDtype) {
  Machine machine;
  machine.available_bytes = 24'000'000'000;
  const std::vector<Finding> here = check_official_models(machine);
  ASSERT_EQ(here.size(), 7u);
  EXPECT_EQ(here[0].level, Level::kGood);
  EXPECT_THAT(here[0].text, HasSubstr("4.4 GB in bfloat16, 8.8 GB in float32"));
  EXPECT_THAT(here[0].text, HasSubstr("fits in both"));
  EXPECT_THAT(here[1].text, HasSubstr("16.6 GB in bfloat16, 33.2 GB"));
  EXPECT_THAT(here[1].text, HasSubstr("give --dtype bfloat16"));
  EXPECT_EQ(here[2].level, Level::kNote);
  EXPECT_THAT(here[2].text, HasSubstr("146.8 GB in bfloat16"));
  EXPECT_THAT(here[2].text, HasSubstr("take a machine with 176 GB"));
  EXPECT_EQ(here[2].subject, "72B");
  EXPECT_THAT(here[2].text, ::testing::StartsWith("Qwen2-VL, 73.41 billion"));
  EXPECT_EQ(here[5].subject, "32B");
  EXPECT_THAT(here[5].text, ::testing::StartsWith("Qwen2.5-VL, 33.45 billion"));
  machine.gpu.gpus = {{"A", 80'000'000'000}};
  const std::vector<Finding> gpu = check_official_models(machine);
  EXPECT_THAT(gpu[1].text, HasSubstr("fits in both"));
  EXPECT_THAT(gpu[2].text, HasSubstr("take a GPU"));
}

TEST(Doctor, NumbersOfGpusThatShareAModelAreNamed) {
  const model::PublishedModel large{"72B",
                                    {{1, 73'400'000'000},
                                     {2, 36'700'000'000},
                                     {4, 18'350'000'000},
                                     {8, 9'180'000'000}}};
  Machine machine;
  machine.gpu.gpus = parse_gpus("8 x 80 GB");
  EXPECT_THAT(check_official_model(machine, large).text,
              HasSubstr("fits in bfloat16 with --tensor-parallel 4 or 8"));
  machine.gpu.gpus = parse_gpus("4x24");
  const Finding finding = check_official_model(machine, large);
  EXPECT_EQ(finding.level, Level::kNote);
  EXPECT_THAT(finding.text, HasSubstr("or 8 such GPUs (--tensor-parallel 8)"));
  EXPECT_THAT(check_model_memory(machine, large.spreads, "bfloat16").text,
              HasSubstr("or 8 such GPUs (--tensor-parallel 8)"));
  machine.gpu.gpus = parse_gpus("4 x 80");
  EXPECT_THAT(check_model_memory(machine, large.spreads, "bfloat16").text,
              HasSubstr("give --tensor-parallel 4"));
}

TEST(Machine, GpusToAskAboutAreANumberTimesTheirMemory) {
  const auto gpus = parse_gpus(" 4 x 79.6 GB");
  ASSERT_EQ(gpus.size(), 4u);
  EXPECT_EQ(gpus[3].memory_bytes, 79'600'000'000);
  for (const char* text : {"", "4", "0 x 80", "4 x", "4 x 80 MB", "-1x80"})
    EXPECT_TRUE(parse_gpus(text).empty()) << text;
}

TEST(Doctor, BrokenCheckpointIsAFindingAmongOthers) {
  const ScratchFolder folder;
  const auto findings = check_model({}, folder / "none");
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].level, Level::kProblem);
  EXPECT_THAT(findings[0].text, HasSubstr("no such folder"));
}

TEST(Doctor, MissingLibrariesAreReadFromLdd) {
  const std::string text =
      "\tlinux-vdso.so.1 (0x1)\n"
      "\tlibtorch_cpu.so => /opt/torch/lib/libtorch_cpu.so (0x2)\n"
      "\tlibcudart.so.13 => not found\n"
      "\tlibcublas.so.13 => not found\n";
  EXPECT_EQ(ldd_place(text, "libtorch_cpu.so"),
            "/opt/torch/lib/libtorch_cpu.so");
  EXPECT_EQ(ldd_place(text, "libcudart.so.13"), "");
  EXPECT_THAT(ldd_missing(text),
              testing::ElementsAre("libcudart.so.13", "libcublas.so.13"));
}

TEST(Doctor, CudaHalfThatIsNotThereIsAProblemWithItsRemedy) {
  const RunTools tools = {
      .coordinator = "/bin/true", .worker = "/bin/true", .mpirun = {}};
  const ScratchFolder folder;
  const Finding finding = check_cuda_libraries(tools, folder.path());
  EXPECT_EQ(finding.level, Level::kProblem);
  EXPECT_THAT(finding.text, HasSubstr("setup.sh --cuda"));
}

TEST(Doctor, LittleSharedMemoryIsANote) {
  EXPECT_EQ(check_shared_memory("/no/such").level, Level::kNote);
  // A file system of no size at all.
  const Finding finding = check_shared_memory("/proc");
  EXPECT_EQ(finding.level, Level::kNote);
  EXPECT_THAT(finding.text, HasSubstr("--shm-size"));
}

TEST(Doctor, SmallestGpuDecides) {
  Machine machine;
  machine.gpu.gpus = {{"A", 80'000'000'000}, {"B", 10'000'000'000}};
  EXPECT_EQ(check_model_memory(machine, {{1, 8'000'000'000}}, "bfloat16").level,
            Level::kProblem);
}

TEST(Doctor, MissingGpuIsNoProblem) {
  Machine machine;
  machine.gpu.problem = "no NVIDIA driver";
  ASSERT_EQ(check_gpus(machine).size(), 1u);
  EXPECT_EQ(check_gpus(machine)[0].level, Level::kNote);
}

TEST(Doctor, MissingProgramsAreProblemsAndMissingMpirunIsNot) {
  const RunTools tools = {.coordinator = "/no/lens-coordinator",
                          .worker = "/no/lens-worker",
                          .mpirun = ""};
  const auto findings = check_programs(tools, "/tmp");
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].level, Level::kProblem);
  EXPECT_EQ(check_mpi(tools, "/tmp").level, Level::kNote);
}

TEST(Doctor, ProgramsThatAnswerAtAllAreGood) {
  const RunTools tools = {
      .coordinator = "/bin/true", .worker = "/bin/false", .mpirun = {}};
  for (const Finding& finding : check_programs(tools, "/tmp"))
    EXPECT_EQ(finding.level, Level::kGood) << finding.text;
}

TEST(Doctor, DiskOfARunDirectoryToBeIsItsParents) {
  const ScratchFolder folder;
  const Finding finding = check_disk(folder / "run/of/mine");
  EXPECT_NE(finding.level, Level::kProblem);
  EXPECT_THAT(finding.text, HasSubstr(folder.path().string() + ":"));
  EXPECT_EQ(check_disk("/proc").level, Level::kProblem);
}

}  // namespace
}  // namespace lens::cli
