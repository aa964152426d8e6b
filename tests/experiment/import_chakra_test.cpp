// Chakra traces as graphs: a real one against its published facts, a decoder of its own and the closed form of what it
// does; small ones by hand, in every schema; and what cannot be read.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sim/experiment/import/chakra.hpp"
#include "sim/experiment/protobuf.hpp"
#include "tests/support/process.hpp"
#include "tests/support/protobuf.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;

const std::string real = path_of("tests/data/imports/chakra_ring_allreduce");

// A scenario that runs a graph on a star of 1 GB/s, where a message of S kB takes 10 us + S us.
Results ran(const std::string& graph, int workers, const std::vector<std::string>& more = {}) {
  std::vector<std::string> assignments{
      "training.strategy.graph=" + graph, fmt::format("cluster.workers={}", workers), "training.stop.steps=1",
      R"(cluster.topology={"kind": "star", "bandwidth": "1GBps", "latency": "5us"})", "numerics=false"};
  assignments.insert(assignments.end(), more.begin(), more.end());
  const Results results = run("scenarios/execution_graph.json", assignments).results;
  for (const Check& check : results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
  return results;
}

TEST(ImportChakra, OfARealTraceHasWhatIsInIt) {
  const ChakraImport made = import_chakra({real});
  ASSERT_EQ(made.ranks.size(), 8u);
  EXPECT_EQ(made.schema, "1.0.2-chakra.0.0.4");
  EXPECT_TRUE(made.notes.empty());
  EXPECT_FALSE(made.needs_device);
  for (const ChakraImport::Rank& rank : made.ranks) {
    EXPECT_EQ(rank.nodes, 35);
    EXPECT_EQ(rank.dependencies, 34);
    EXPECT_EQ(rank.sends, 14);
    EXPECT_EQ(rank.receives, 14);
    EXPECT_EQ(rank.computes, 7);
    EXPECT_EQ(rank.collectives + rank.left_out, 0);
    EXPECT_EQ(rank.sent, 14 * 131072);
    EXPECT_EQ(rank.received, 14 * 131072);
    EXPECT_NEAR(rank.compute, 7 * 7e-6, 1e-15);
  }
  const Json graph = Json::parse(made.graph);
  for (std::size_t r = 0; r < 8; ++r) {
    const Json& nodes = graph.at("ranks").at(r).at("nodes");
    for (std::size_t i = 0; i < 35; ++i) {
      EXPECT_EQ(nodes.at(i).at("id"), i);
      EXPECT_EQ(nodes.at(i).value("after", Json::array()), i ? Json::array({i - 1}) : Json::array());
      EXPECT_EQ(nodes.at(i).value("send", (r + 1) % 8), (r + 1) % 8);
      EXPECT_EQ(nodes.at(i).value("receive", (r + 7) % 8), (r + 7) % 8);
    }
  }
}

// With the tests' own decoder: names and types of nodes in their order, behind the metadata.
TEST(ImportChakra, OfARealTraceIsWhatAnotherDecoderReads) {
  const std::string bytes = read_text(real + "/custom_allreduce.5.et");
  const Json nodes = Json::parse(import_chakra({real + "/custom_allreduce"}).graph).at("ranks").at(5).at("nodes");
  std::size_t count = 0;
  for (std::string_view rest = bytes; !rest.empty();) {
    std::size_t size = 0, shift = 0, at = 0;
    do size |= std::size_t(std::uint8_t(rest[at]) & 0x7f) << shift, shift += 7;
    while (std::uint8_t(rest[at++]) >= 0x80);
    const auto fields = fields_of(rest.substr(at, size));
    rest.remove_prefix(at + size);
    if (count++ == 0) continue;
    const Json& node = nodes.at(count - 2);
    for (const Field& field : fields) {
      if (field.number == 2) {
        EXPECT_EQ(node.at("name"), field.text);
      } else if (field.number == 3) {
        EXPECT_TRUE(node.contains(field.value == 4 ? "compute" : field.value == 5 ? "send" : "receive")) << count;
      }
    }
  }
  EXPECT_EQ(count, 36u);
}

// All ranks do the same at the same times: 14 messages, one after the other, and 7 computes in between.
TEST(ImportChakra, OfARealTraceRunsInItsClosedForm) {
  const std::string graph = scratch_folder() + "/ring.json";
  const Finished made = paceline({"import-chakra", real, "-o", graph});
  ASSERT_EQ(made.code, 0) << made.err;
  const Results results = ran(graph, 8);
  EXPECT_NEAR(results.simulated_time_s, 14 * (10e-6 + 131072 / 1e9) + 49e-6, 1e-11);
  EXPECT_EQ(results.bytes_on_wire, 8.0 * 14 * 131072);
  for (const WorkerResult& worker : results.workers) {
    EXPECT_NEAR(worker.seconds[0], 49e-6, 1e-12);
    EXPECT_NEAR(worker.seconds[2], 0, 1e-12);
  }
  // One slow rank holds up its neighbour's next receive, and theirs: seven computes twice as long are on the way.
  const Results slow = ran(graph, 8, {R"(cluster.stragglers=[{"kind": "slow", "workers": "3", "factor": 2}])"});
  EXPECT_GT(slow.simulated_time_s, results.simulated_time_s + 7e-6 - 1e-12);
  EXPECT_LE(slow.simulated_time_s, results.simulated_time_s + 49e-6 + 1e-12);
}

TEST(ImportChakra, SaysHowToRunIt) {
  const std::string graph = scratch_folder() + "/ring.json";
  const Finished made = paceline({"import-chakra", real, "-o", graph});
  EXPECT_EQ(made.out,
            "8 ranks                all          a rank       in rank 0\n"
            "nodes                  280              35\n"
            "computes                56               7        49.00 us\n"
            "sends                  112              14        1.835 MB\n"
            "receives               112              14        1.835 MB\n"
            "collectives              0               0             0 B\n"
            "left out                 0               0\n"
            "dependencies           272              34\n\n"
            "to run it: paceline run scenarios/execution_graph.json --set training.strategy.graph=" +
                graph + " --set cluster.workers=8\n");
  const Json json = Json::parse(paceline({"import-chakra", real, "-o", graph, "--json"}).out);
  EXPECT_EQ(json.at("ranks").size(), 8u);
  EXPECT_EQ(json.at("ranks").at(7).at("bytes_sent"), 14 * 131072);
  EXPECT_EQ(paceline({"import-chakra", real, "-o", graph, "--quiet"}).out, "");
}

// A node as a test names it; written in any schema.
struct Made {
  std::uint64_t id;
  std::string name;
  int type;
  std::vector<std::uint64_t> after{};
  std::uint64_t micros = 0;
  std::vector<std::pair<std::string, std::uint64_t>> numbers{};
  std::vector<std::pair<std::string, std::string>> texts{};
  std::string inputs{};
  std::vector<std::uint64_t> controls{};
  std::vector<bool> involved{};
};
constexpr int metadata = 1, load = 2, compute = 4, sends = 5, receives = 6, collective = 7;

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(char(value | 0x80));
  bytes.push_back(char(value));
  return bytes;
}
std::string behind_its_length(const std::string& message) { return varint(message.size()) + message; }

// Numbers as int64, uint32, bool and double in turn: readers must take any.
std::string current(const std::vector<Made>& nodes) {
  ProtobufMessage head;
  head.text(1, "0.0.4");
  std::string file = behind_its_length(head.bytes());
  unsigned turn = 0;
  for (const Made& node : nodes) {
    ProtobufMessage message;
    if (node.id) message.number(1, node.id);
    message.text(2, node.name);
    if (node.type) message.number(3, std::uint64_t(node.type));
    std::string packed;
    for (const std::uint64_t each : node.controls) packed += varint(each);
    if (!packed.empty()) message.text(4, packed);
    if (turn % 2 == 0) {
      for (const std::uint64_t each : node.after) message.number(5, each);  // not packed
    } else {
      packed.clear();
      for (const std::uint64_t each : node.after) packed += varint(each);
      if (!packed.empty()) message.text(5, packed);
    }
    if (node.micros) message.number(7, node.micros);
    if (!node.inputs.empty()) {
      ProtobufMessage inputs;
      inputs.text(1, node.inputs);
      message.message(8, inputs);
    }
    for (const auto& [name, value] : node.numbers) {
      ProtobufMessage attribute;
      attribute.text(1, name);
      if (turn % 4 == 3) attribute.real(3, double(value));
      else attribute.number(turn % 4 == 0 ? 9 : turn % 4 == 1 ? 11 : 13, value);
      message.message(10, attribute);
      ++turn;
    }
    for (const auto& [name, value] : node.texts) {
      ProtobufMessage attribute;
      attribute.text(1, name);
      attribute.text(29, value);
      message.message(10, attribute);
    }
    if (!node.involved.empty()) {
      ProtobufMessage attribute, list;
      std::string bytes;
      for (const bool each : node.involved) bytes.push_back(char(each));
      list.text(1, bytes);
      attribute.text(1, "involved_dim");
      attribute.message(28, list);
      message.message(10, attribute);
    }
    file += behind_its_length(message.bytes());
  }
  return file;
}

// Of 2023: strings for inputs and outputs, attributes with a type.
std::string of_2023(const std::vector<Made>& nodes) {
  std::string file = behind_its_length("");
  for (const Made& node : nodes) {
    ProtobufMessage message;
    message.number(1, node.id);
    message.text(2, node.name);
    message.number(3, std::uint64_t(node.type));
    for (const std::uint64_t each : node.after) message.number(4, each);
    message.text(5, node.inputs);
    message.text(10, "['Tensor(float)']");
    auto numbers = node.numbers;
    if (node.micros) numbers.emplace_back("runtime", node.micros);
    for (const auto& [name, value] : numbers) {
      ProtobufMessage attribute;
      attribute.text(1, name);
      attribute.number(2, 2);
      attribute.number(6, value);
      message.message(11, attribute);
    }
    file += behind_its_length(message.bytes());
  }
  return file;
}

// Before: no metadata, a field for each thing, nanoseconds.
std::string flat(const std::vector<Made>& nodes) {
  std::string file;
  for (const Made& node : nodes) {
    ProtobufMessage message;
    message.number(1, node.id);
    message.text(2, node.name);
    message.number(3, std::uint64_t(node.type));
    for (const std::uint64_t each : node.after) message.number(4, each);
    if (node.micros) message.number(7, node.micros * 1000);
    for (const auto& [name, value] : node.numbers)
      message.number(name == "comm_type"   ? 13
                     : name == "comm_src"  ? 16
                     : name == "comm_dst"  ? 17
                     : name == "comm_size" ? 18
                     : name == "comm_tag"  ? 19
                                           : 12,
                     value);
    file += behind_its_length(message.bytes());
  }
  return file;
}

// Files of a trace in a folder of its own.
std::string written(const std::vector<std::string>& files) {
  const std::string folder = scratch_folder();
  for (std::size_t r = 0; r < files.size(); ++r) write_text(fmt::format("{}/t.{}.et", folder, r), files[r]);
  return folder;
}
Json nodes_of(const ChakraImport& made, std::size_t rank = 0) {
  return Json::parse(made.graph).at("ranks").at(rank).at("nodes");
}

// The same two ranks in every schema: ids are not dense, nodes in no order, all-reduce has another number in each.
TEST(ImportChakra, EverySchemaIsRead) {
  const auto rank = [](std::uint64_t own, std::uint64_t all_reduce) {
    return std::vector<Made>{
        {900, "last", collective, {17, 1000000}, 33, {{"comm_type", all_reduce}, {"comm_size", 4000}}},
        {17, "in", receives, {}, 0, {{"comm_src", 1 - own}, {"comm_size", 2000}, {"comm_tag", 5}}},
        {1000000, "out", sends, {3}, 0, {{"comm_dst", 1 - own}, {"comm_size", 2000}, {"comm_tag", 5}}},
        {3, "first", compute, {}, 20}};
  };
  std::vector<std::string> graphs;
  for (const auto& [write, all_reduce, schema] :
       {std::tuple(&current, 0, "0.0.4"), std::tuple(&of_2023, 0, "of 2023"), std::tuple(&flat, 1, "of before 2023")}) {
    const std::string folder =
        written({write(rank(0, std::uint64_t(all_reduce))), write(rank(1, std::uint64_t(all_reduce)))});
    const ChakraImport made = import_chakra({folder});
    EXPECT_EQ(made.schema, schema);
    EXPECT_EQ(made.ranks[1].dependencies, 3);
    graphs.push_back(made.graph);
  }
  const Json nodes = Json::parse(graphs[0]).at("ranks").at(0).at("nodes");
  EXPECT_EQ(nodes, Json::parse(R"([
    {"id": 900, "name": "last", "collective": "all_reduce", "bytes": "4000B", "after": [17, 1000000]},
    {"id": 17, "name": "in", "receive": 1, "bytes": "2000B", "tag": 5},
    {"id": 1000000, "name": "out", "send": 1, "bytes": "2000B", "tag": 5, "after": [3]},
    {"id": 3, "name": "first", "compute": "20us"}])"));
  EXPECT_EQ(graphs[1], graphs[0]);
  EXPECT_EQ(graphs[2], graphs[0]);
  const std::string file = scratch_folder() + "/graph.json";
  write_text(file, graphs[0]);
  // 2 kB to each other at 20 us, then a ring of two: 2 (10 + 2) us.
  EXPECT_NEAR(ran(file, 2, {"training.strategy.algorithm=ring"}).simulated_time_s, (20 + 12 + 24) * 1e-6, 1e-11);
}

TEST(ImportChakra, WhatIsLeftOutHandsOnItsPlace) {
  const std::vector<Made> nodes{{1, "## start ##", metadata},
                                {2, "aten::mm", compute, {1}, 500, {{"is_cpu_op", 1}}},
                                {3, "gemm", compute, {2}, 70, {{"is_cpu_op", 0}}},
                                {4, "bias", compute, {2}, 30},
                                {5, "load", load, {3, 4}, 0, {{"tensor_size", 4096}}},
                                {6, "relu", compute, {5}, 10},
                                {7, "add", compute, {5}, 10, {}, {}, "", {1, 99}},
                                {8, "nothing", compute, {6}},
                                {9, "end", 0, {6, 7}}};
  const ChakraImport made = import_chakra({written({current(nodes)})});
  EXPECT_EQ(nodes_of(made), Json::parse(R"([
    {"id": 3, "name": "gemm", "compute": "70us"},
    {"id": 4, "name": "bias", "compute": "30us"},
    {"id": 5, "name": "load", "after": [3, 4]},
    {"id": 6, "name": "relu", "compute": "10us", "after": [5]},
    {"id": 7, "name": "add", "compute": "10us", "after": [5]}])"));
  EXPECT_EQ(made.ranks[0].left_out, 5);
  EXPECT_EQ(made.ranks[0].computes, 4);
  EXPECT_EQ(made.notes,
            (std::vector<std::string>{"1 computes are left out that have neither a time nor operations",
                                      "1 dependencies on nodes that are not in the files are left out",
                                      "1 loads and stores of remote memory are left out: devices here have none",
                                      "1 operations of the host are left out: only devices take time"}));
}

TEST(ImportChakra, ComputesWithoutATimeAreReckonedOnADevice) {
  const std::string folder =
      written({current({{1, "gemm", compute, {}, 0, {{"num_ops", 2000000000}, {"tensor_size", 4096}}},
                        {2, "copy", compute, {1}, 0, {{"tensor_size", 1000000000}}}})});
  const std::string graph = folder + "/graph.json";
  const Finished made = paceline({"import-chakra", folder, "-o", graph});
  EXPECT_EQ(made.err, "note: some computes have operations and no time: they need cluster.device\n");
  EXPECT_NE(made.out.find(" --set cluster.workers=1 --set cluster.device=a100\n"), std::string::npos) << made.out;
  const Results results =
      ran(graph, 1, {R"(cluster.device={"peak": "1TFLOPS", "efficiency": 0.5, "memory_bandwidth": "1000GBps"})"});
  EXPECT_NEAR(results.simulated_time_s, 4e-3 + 1e-3, 1e-10);
}

// What a rank brings in: an all-gather is of all ranks' parts.
TEST(ImportChakra, CollectivesAreOfTheirGroups) {
  const auto rank = [](std::uint64_t own) {
    const std::string group = own < 2 ? "7" : "8";
    return current(
        {{1,
          "## process_group:init ##",
          metadata,
          {},
          0,
          {},
          {},
          R"(["[{\"pg_name\": \"7\", \"ranks\": [1, 0]}, {\"pg_name\": \"8\", \"ranks\": [2, 3]}, {\"pg_name\": 9, \"ranks\": [0]}]"])"},
         {2, "gather", collective, {}, 9, {{"comm_type", 2}, {"comm_size", 1000}}, {{"pg_name", group}}},
         {3,
          "scatter",
          collective,
          {2},
          9,
          {{"comm_type", 7}, {"comm_size", 1000}},
          {{"pg_name", "0"}},
          "",
          {},
          {true, true}},
         {4, "all", collective, {3}, 0, {{"comm_type", 6}, {"comm_size", 1000}}, {{"pg_name", ""}}},
         {5, "one", collective, {4}, 0, {{"comm_type", 0}, {"comm_size", 1000}, {"pg_name", 9}}},
         {6, "stop", collective, {5}, 0, {{"comm_type", 9}}}});
  };
  const std::string folder = written({rank(0), rank(1), rank(2), rank(3)});
  const ChakraImport made = import_chakra({folder});
  EXPECT_EQ(nodes_of(made, 2), Json::parse(R"([
    {"id": 2, "name": "gather", "collective": "all_gather", "bytes": "2000B", "ranks": [2, 3]},
    {"id": 3, "name": "scatter", "collective": "reduce_scatter", "bytes": "1000B", "after": [2]},
    {"id": 4, "name": "all", "collective": "all_to_all", "bytes": "1000B", "after": [3]},
    {"id": 6, "name": "stop", "collective": "all_reduce", "bytes": "0B", "after": [4]}])"));
  EXPECT_EQ(made.ranks[0].collective, 2000 + 1000 + 1000);
  EXPECT_EQ(made.notes, (std::vector<std::string>{
                            "4 barriers are all_reduces of no bytes", "4 collectives of one rank are left out",
                            "8 measured times of messages and collectives are left out: these are simulated"}));
  const std::string graph = folder + "/graph.json";
  write_text(graph, made.graph);
  EXPECT_EQ(ran(graph, 4).collectives.size(), 4u);

  write_text(folder + "/groups.json", R"({"7": [0, 1, 2, 3]})");
  EXPECT_EQ(nodes_of(import_chakra({folder}, folder + "/groups.json")).at(0).at("bytes"), "4000B");
}

// What is wrong, without the path before the file's name.
std::string complaint(const std::vector<std::string>& given, const std::string& folder,
                      const std::string& groups = "") {
  try {
    import_chakra(given, groups);
  } catch (const ConfigError& error) {
    std::string text = error.what();
    for (std::size_t at; (at = text.find(folder + "/")) != text.npos;) text.erase(at, folder.size() + 1);
    return text;
  }
  return "it was read";
}
std::string complaint(const std::string& file) {
  const std::string folder = written({file});
  return complaint({folder}, folder);
}

TEST(ImportChakra, SaysWhatItCannotRead) {
  const Made good{1, "a", compute, {}, 5};
  EXPECT_EQ(complaint(""), "t.0.et: is empty");
  EXPECT_EQ(complaint("\x1f\x8b\x08"), "t.0.et: is compressed (gzip): unpack it first");
  EXPECT_EQ(complaint("  {\"nodes\": []}"),
            "t.0.et: is JSON: Chakra's traces are protobuf (.et), which its converters write");
  EXPECT_EQ(complaint("hello, this is no trace"),
            "t.0.et: is no Chakra trace, or damaged: the message at byte 0, after 0 others, is cut off");
  EXPECT_EQ(complaint(current({})), "t.0.et: has no nodes");
  const std::string whole = current({good, {2, "b", compute, {1}, 5}});
  EXPECT_EQ(complaint(whole.substr(0, whole.size() - 1)),
            "t.0.et: is no Chakra trace, or damaged: the message at byte 18, after 2 others, is cut off");
  EXPECT_EQ(complaint(current({good, {1, "b", compute, {}, 5}})), "t.0.et: node 1, \"b\": is there twice");
  EXPECT_EQ(complaint(current({{1, "a", 23}})), "t.0.et: node 1 has the type 23, which no schema knows");
  EXPECT_EQ(complaint(current({good, {2, "b", compute, {3}, 5}, {3, "c", compute, {2}, 5}})),
            "t.0.et: node 2, \"b\": it, and 1 others, come after each other, or after such");
  EXPECT_EQ(complaint(current({{1, "a", sends, {}, 0, {{"comm_dst", 1}}}})),
            "t.0.et: node 1, \"a\": has no attribute \"comm_size\"");
  EXPECT_EQ(complaint(current({{1, "a", sends, {}, 0, {{"comm_size", 8}}}})),
            "t.0.et: node 1, \"a\": has no attribute \"comm_dst\"");
  EXPECT_EQ(complaint(current({{1, "a", sends, {}, 0, {{"comm_size", 8}, {"comm_src", 4}, {"comm_dst", 1}}}})),
            "t.0.et: node 1, \"a\": is a message from rank 4, in the trace of rank 0");
  EXPECT_EQ(complaint(current({{1, "a", compute, {}, 0, {{"num_ops", 0xffffffffffffffff}}}})),
            "t.0.et: node 1, \"a\": its \"num_ops\" is -1");
  EXPECT_EQ(complaint(current({{1, "a", collective, {}, 0, {{"comm_size", 8}}}})),
            "t.0.et: node 1, \"a\": has no attribute \"comm_type\"");
  EXPECT_EQ(complaint(current({{1, "a", collective, {}, 0, {{"comm_size", 8}, {"comm_type", 12}}}})),
            "t.0.et: node 1, \"a\": its comm_type is 12, which the schema does not know");
  EXPECT_EQ(complaint(current({{1, "a", collective, {}, 0, {{"comm_size", 8}, {"comm_type", 0}}, {{"pg_name", "3"}}}})),
            "t.0.et: node 1, \"a\": is of group \"3\", of which no trace tells the ranks: give --groups FILE, as in "
            "{\"3\": [0, 1]}");
  EXPECT_EQ(complaint(current(
                {{1, "a", collective, {}, 0, {{"comm_size", 8}, {"comm_type", 0}}, {}, "", {}, {true, false}}})),
            "t.0.et: node 1, \"a\": is among some dimensions of a topology (involved_dim), which says nothing of "
            "ranks");
  const std::string folder =
      written({current({{1, "a", collective, {}, 0, {{"comm_size", 8}, {"comm_type", 3}}}}), current({good})});
  EXPECT_EQ(complaint({folder}, folder),
            "t.0.et: node 1, \"a\": is a gather to one rank, which is none of the collectives here");
}

TEST(ImportChakra, SaysWhichFilesAreMissing) {
  const std::string one = current({{1, "a", compute, {}, 5}});
  const std::string folder = written({one, one, one});
  write_text(folder + "/t.4.et", one);
  EXPECT_EQ(complaint({folder}, folder), "t.4.et: there is no rank 3, t.3.et, before it");
  EXPECT_EQ(complaint({folder + "/t"}, folder), "t.4.et: there is no rank 3, t.3.et, before it");
  EXPECT_EQ(complaint({folder + "/u"}, folder), "u: no such trace: neither u.0.et nor a folder with NAME.0.et");
  EXPECT_EQ(complaint({folder + "/t.1.et", folder + "/t.2.et"}, folder),
            "t.1.et: there is no rank 0, t.0.et, before it");
  EXPECT_EQ(complaint({folder + "/t.1.et", folder + "/t.1.et"}, folder), "t.1.et: is given twice");
  write_text(folder + "/u.0.et", one);
  EXPECT_EQ(complaint({folder}, folder), "u.0.et: is of another trace than t.0.et: name the path before .0.et of one");
  // In the order of ranks, whatever the order of names; without numbers as they are given.
  for (const char* name : {"t.3.et", "t.5.et", "t.6.et", "t.7.et", "t.8.et", "t.9.et", "t.10.et"})
    write_text(folder + "/" + name, one);
  const ChakraImport made = import_chakra({folder + "/t"});
  ASSERT_EQ(made.ranks.size(), 11u);
  EXPECT_EQ(made.ranks[10].file, folder + "/t.10.et");
  write_text(folder + "/first", one);
  EXPECT_EQ(import_chakra({folder + "/first", folder + "/t.0.et"}).ranks[0].file, folder + "/first");
  write_text(folder + "/groups.json", "[1]");
  EXPECT_NE(complaint({folder + "/t"}, folder, folder + "/groups.json")
                .find("groups.json: must be groups with their ranks, as in {\"1\": [0, 1]}: "),
            std::string::npos);
}

// What ranks say of each other is checked when the graph is written.
TEST(ImportChakra, SaysWhereRanksDoNotAgree) {
  const std::string folder = written(
      {current({{4, "a", sends, {}, 0, {{"comm_size", 8}, {"comm_dst", 1}}}}), current({{4, "a", compute, {}, 5}})});
  const Finished made = paceline({"import-chakra", folder, "-o", "graph.json"}, {.folder = folder});
  EXPECT_EQ(made.code, 3);
  EXPECT_EQ(made.err,
            "paceline: graph.json:1:1: /graph: rank 0 sends 1 messages with tag 0 to rank 1, which receives 0\n");
}

// Cut off anywhere, or with any byte changed, it is read or refused.
TEST(ImportChakra, DamagedFilesAreReadOrRefused) {
  const std::string whole =
      current({{1, "a", compute, {}, 5, {{"num_ops", 300}, {"is_cpu_op", 0}}},
               {2, "b", collective, {1}, 0, {{"comm_size", 800}, {"comm_type", 0}}, {{"pg_name", "0"}}}});
  const std::string folder = scratch_folder(), file = folder + "/t.0.et";
  int read = 0;
  const auto attempt = [&](const std::string& bytes) {
    write_text(file, bytes);
    try {
      import_chakra({file});
      ++read;
    } catch (const ConfigError& error) { EXPECT_TRUE(std::string(error.what()).starts_with(file)) << error.what(); }
  };
  for (std::size_t size = 0; size < whole.size(); ++size) attempt(whole.substr(0, size));
  EXPECT_EQ(read, 1);  // between the two nodes
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const int change : {1, 0x80, 0xff}) {
      std::string changed = whole;
      changed[at] = char(std::uint8_t(changed[at]) ^ change);
      attempt(changed);
    }
  EXPECT_GT(read, 1);
}

}  // namespace
}  // namespace paceline::test
