// Hosts as NCCL and nvidia-smi describe them, as topologies: a real file against its published facts and against links
// counted in its text, small ones by hand, and what cannot be read.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "sim/experiment/import/host_import.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;

const std::string real = path_of("tests/data/imports/nccl_topo_oci_h100.xml");

std::string written(const std::string& text) {
  const std::string path = scratch_folder() + "/host";
  write_text(path, text);
  return path;
}

std::int64_t times(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  return std::distance(std::sregex_iterator(text.begin(), text.end(), expression), std::sregex_iterator());
}

TEST(ImportTopology, OfARealHostHasWhatIsInIt) {
  const HostImport host = import_host(real);
  EXPECT_EQ(host.gpus, 8);
  EXPECT_EQ(host.processors, 2);
  EXPECT_EQ(host.bridges, 24);
  EXPECT_EQ(host.cards, 8);
  EXPECT_EQ(host.ports, 16);
  EXPECT_EQ(host.card_bandwidths, std::vector<double>(8, 2 * 180e9 / 8));
  EXPECT_TRUE(host.notes.empty());
  EXPECT_EQ(host.links_to_switches, std::vector<int>(8, 18));
  EXPECT_EQ(host.switches.size(), 4u);
  int links = 0;
  for (const auto& [name, count] : host.switches) links += count;
  EXPECT_EQ(links, 8 * 18);
  EXPECT_TRUE(host.direct.empty());
  EXPECT_EQ(host.architecture, 90);
  const std::string text = read_text(real);
  EXPECT_EQ(times(text, "<gpu "), host.gpus);
  EXPECT_EQ(times(text, "<net "), host.ports);
  EXPECT_EQ(times(text, "class=\"0x0604"), host.bridges);
  EXPECT_EQ(times(text, "<nvlink [^>]*count=\"5\""), 16);
  EXPECT_EQ(times(text, "<nvlink [^>]*count=\"4\""), 16);
}

// A ring over the host moves 2 (N-1)/N of the bytes through each GPU's 18 × 25 GB/s, over two hops' links in 2 (N-1)
// rounds. Between two hosts the ring's one way goes by a card of two ports of 180 Gb/s: what is to be sent next has
// come by NVLink while the card still sends, so that its 2 (N-1) chunks follow each other, and one latency is left.
TEST(ImportTopology, OfARealHostRuns) {
  const std::string out = scratch_folder();
  ASSERT_EQ(paceline({"import-topology", real, "-o", "host.json", "--quiet"}, {.folder = out}).code, 0);
  const auto time_of = [&](int ranks, const std::string& size) {
    const Finished bench =
        paceline({"bench-collective", "host.json", "--ops", "all_reduce", "--sizes", size + ":" + size, "--ranks",
                  std::to_string(ranks), "--algorithm", "ring", "--json"},
                 {.folder = out});
    EXPECT_EQ(bench.code, 0) << bench.err;
    return Json::parse(bench.out);
  };
  const Json one = time_of(8, "1GiB"), two = time_of(16, "1GiB");
  const double bytes = 1073741824;
  const auto seconds = [](const Json& table) { return table.at("rows").at(0).at("time_s").get<double>(); };
  EXPECT_NEAR(seconds(one), 2 * 7 / 8.0 * bytes / 450e9 + 14 * 2 * 1.7e-6, 1e-9);
  EXPECT_NEAR(seconds(two), 30 / 16.0 * bytes / 45e9 + 2 * 7e-6, 1e-9);
}

std::string xml(const std::string& inside) {
  return "<system version=\"1\"><cpu numaid=\"0\">" + inside + "</cpu></system>";
}
std::string gpu(const std::string& bus, const std::string& links) {
  return "<pci busid=\"" + bus +
         "\" class=\"0x030200\" link_speed=\"16 GT/s\" link_width=\"16\"><gpu dev=\"0\" sm=\"70\">" + links +
         "</gpu></pci>";
}
std::string nvlink(const std::string& target, int count, const std::string& type = "0x030200") {
  return "<nvlink target=\"" + target + "\" count=\"" + std::to_string(count) + "\" tclass=\"" + type + "\"/>";
}

TEST(ImportTopology, JoinsGpusThatHaveNvlinksToEachOther) {
  const HostImport host = import_host(
      written(xml(gpu("a", nvlink("b", 2) + nvlink("c", 1)) + gpu("b", nvlink("a", 2)) + gpu("c", nvlink("a", 1)))));
  EXPECT_EQ(host.direct, (std::map<std::pair<int, int>, int>{{{0, 1}, 2}, {{0, 2}, 1}}));
  const Json made = Json::parse(topology_text(host, {.network = 12.5e9}), nullptr, true, true);
  EXPECT_EQ(made["hosts"]["fabric"]["kind"], "graph");
  EXPECT_EQ(made["hosts"]["fabric"]["links"][0]["bandwidth"], "50GBps");
  EXPECT_EQ(made["hosts"]["fabric"]["links"][1]["bandwidth"], "25GBps");
  EXPECT_EQ(made["bandwidth"], "12.5GBps");
}

// 16 GT/s × 16 lanes / 8 × 128/130 = 31.5 GB/s.
TEST(ImportTopology, WithoutGpuElementsTakesPciDevicesOfTheirClass) {
  const std::string device =
      "<pci busid=\"a\" class=\"0x060400\"><pci busid=\"b\" class=\"0x030200\" link_speed=\"16.0 GT/s PCIe\" "
      "link_width=\"16\"/></pci>";
  const HostImport host = import_host(written(xml(device + device)));
  EXPECT_EQ(host.gpus, 2);
  EXPECT_EQ(host.branches, 2);
  EXPECT_NEAR(host.pcie, 32e9 * 128 / 130, 1);
  const Json made = Json::parse(topology_text(host, {.network = 1e9}), nullptr, true, true);
  EXPECT_EQ(made["hosts"]["fabric"]["kind"], "pcie");
  EXPECT_EQ(made["hosts"]["fabric"]["switches"], 2);
  ASSERT_EQ(host.notes.size(), 1u);
  EXPECT_TRUE(host.notes[0].starts_with("the file has no elements \"gpu\"")) << host.notes[0];
}

std::string matrix(int gpus, const std::string& way, const std::string& more = "") {
  std::string text = "\x1b[4m";
  for (int i = 0; i < gpus; ++i) text += "\tGPU" + std::to_string(i);
  text += "\tNIC0\tCPU Affinity\tNUMA Affinity\x1b[0m\n";
  for (int i = 0; i < gpus; ++i) {
    text += "GPU" + std::to_string(i);
    for (int k = 0; k < gpus; ++k) text += "\t" + (i == k ? " X " : way);
    text += "\tPXB\t0-31\t" + std::to_string(2 * i / gpus) + "\n";
  }
  return text + more + "\nLegend:\n\n  X    = Self\n";
}

std::string card(const std::vector<int>& speeds) {
  std::string text = "<pci class=\"0x020000\"><nic>";
  for (const int speed : speeds) text += "<net speed=\"" + std::to_string(speed) + "\"/>";
  return text + "</nic></pci>";
}

TEST(ImportTopology, TakesTheFastestOfUnlikeCards) {
  const HostImport host =
      import_host(written(xml(gpu("a", "") + card({200000, 200000}) + card({25000}) + card({400000}) + card({}))));
  EXPECT_EQ(host.cards, 4);
  EXPECT_EQ(host.card_bandwidths, std::vector<double>(2, 50e9));
  EXPECT_EQ(host.notes, std::vector<std::string>{"2 of 4 network cards are left out: they are slower than 400 Gbit/s, "
                                                 "or their speed is unknown"});
  const Json made = Json::parse(topology_text(host, {}), nullptr, true, true);
  EXPECT_EQ(made["bandwidth"], "50GBps");
  EXPECT_EQ(made["hosts"]["nics"], 2);
  EXPECT_EQ(Json::parse(topology_text(host, {.network = 1e9}), nullptr, true, true)["bandwidth"], "1GBps");
}

TEST(ImportTopology, ReadsTheMatrixOfNvidiaSmi) {
  const HostImport switched =
      import_host(written(matrix(8, "NV12", "NIC0\tPXB\tPXB\tPXB\tPXB\tPXB\tPXB\tPXB\tPXB\tX\n")));
  EXPECT_EQ(switched.gpus, 8);
  EXPECT_EQ(switched.cards, 1);
  EXPECT_EQ(switched.processors, 2);
  EXPECT_EQ(switched.links_to_switches, std::vector<int>(8, 12));  // 7 × 12 links has no GPU
  EXPECT_TRUE(switched.direct.empty());
  EXPECT_EQ(switched.notes, std::vector<std::string>{"12 NVLinks to each of 7 GPUs are more than one has: 12 from each "
                                                     "GPU to switches"});
  const HostImport direct = import_host(written(matrix(4, "NV4")));  // 3 × 4 links has an A100
  EXPECT_EQ(direct.direct.size(), 6u);
  EXPECT_TRUE(direct.notes.empty());
  EXPECT_EQ(direct.direct.at({1, 3}), 4);
  const HostImport none = import_host(written(matrix(2, "SYS")));
  EXPECT_TRUE(none.direct.empty());
  const Json made = Json::parse(topology_text(switched, {.nvlink = 25e9, .network = 25e9}), nullptr, true, true);
  EXPECT_EQ(made["hosts"]["fabric"]["bandwidth"], "300GBps");
}

std::string complaint(const std::string& path) {
  try {
    const HostImport host = import_host(path);
    topology_text(host, {.network = 1e9});
  } catch (const ConfigError& error) {
    const std::string what = error.what();
    return what.starts_with(path) ? what.substr(path.size()) : what;
  }
  return "";
}

TEST(ImportTopology, SaysWhatItCannotRead) {
  EXPECT_NE(complaint("none.xml").find("no such file"), std::string::npos);
  EXPECT_NE(complaint(written("<system>\n<cpu>")).find("is no XML"), std::string::npos);
  EXPECT_EQ(complaint(written("<graphs/>")), ": has no element \"system\": not a topology as NCCL dumps it");
  EXPECT_NE(complaint(written(xml(""))).find("has no GPU"), std::string::npos);
  EXPECT_EQ(complaint(written(xml(gpu("a", nvlink("z", 2))))), ": GPU 0: nvlink to z, which is no GPU of it");
  EXPECT_EQ(complaint(written(xml(gpu("a", nvlink("z", 0))))),
            ": GPU 0: nvlink to z: \"count\" is \"0\", not a number of links");
  EXPECT_NE(complaint(written(xml(gpu("a", nvlink("s", 2, "0x068000")) + gpu("b", "")))).find("unlike numbers"),
            std::string::npos);
  EXPECT_EQ(complaint(written("nothing")), ": has no line that begins with GPU0: not what nvidia-smi topo -m prints");
  EXPECT_EQ(complaint(written(matrix(2, "NVX"))),
            ":2: GPU0 to GPU1: \"NVX\" is none of X, SYS, NODE, PHB, PXB, PIX, NV<number>");
  EXPECT_NE(complaint(written("\tGPU0\tGPU1\nGPU0\tX\n")).find(":2: GPU0 has 1 cells"), std::string::npos);
  const std::string whole = matrix(4, "NV4");
  EXPECT_EQ(complaint(written(whole.substr(0, whole.find("\nGPU3")))), ": has rows for 3 of 4 GPUs");
  EXPECT_EQ(complaint(written(matrix(8, "NV12"))),
            "the file does not tell the bandwidth of an NVLink: give --nvlink 25GBps");
}

TEST(ImportTopology, IsAVerbThatTellsWhatItFound) {
  const Finished made = paceline({"import-topology", real, "-o", "host.json", "--json"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(Json::parse(made.out)["gpus"], 8);
  EXPECT_EQ(Json::parse(made.out)["ports"], 16);
  EXPECT_NE(made.err.find("latencies are not in the file: 1.7"), std::string::npos) << made.err;
  const Finished wrong = paceline({"import-topology", real, "-o", "host.json", "--nvlink", "25"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.err, "paceline: --nvlink: \"25\" is not a bandwidth with a unit, as in \"100Gbps\"\n");
  EXPECT_EQ(paceline({"import-topology", "none.xml", "-o", "host.json"}).code, 3);
}

}  // namespace
}  // namespace paceline::test
