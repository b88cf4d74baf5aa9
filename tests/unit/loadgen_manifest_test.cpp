// Manifests: what they may say, how variants and placeholders are filled in, what a mistake is answered with.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "loadgen/driver/manifest.hpp"
#include "loadgen/errors.hpp"

namespace comet::loadgen {
namespace {

constexpr char kVariants[] = R"({
  "name": "continuations",
  "model": "a pool of threads",
  "command": ["comet-continuations", "--address", "{address}", "--port", "{port}"],
  "capacity": ["--threads", "{capacity}"],
  "keeps": "all",
  "variants": [
    {"name": "continuations-redispatch", "options": ["--resume", "redispatch"]},
    {"name": "continuations-direct", "options": ["--resume", "direct"]}
  ]
})";

constexpr char kFloor[] =
    R"({"name": "floor", "model": "epoll", "group": "floor", "command": ["comet-floor"], "keeps": ["subscribe", "publish", "stats"]})";

std::string complaint_about(const std::string& json) {
  try {
    parse_manifest(json, "patterns/x/pattern.json");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "none";
}

TEST(LoadgenManifest, EachVariantIsAnEntryWithItsOptions) {
  const auto entries = parse_manifest(kVariants, "patterns/continuations/pattern.json");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].name, "continuations-direct");
  EXPECT_EQ(entries[1].manifest_name, "continuations");
  EXPECT_EQ(entries[1].folder, "patterns/continuations");
  EXPECT_TRUE(entries[1].keeps_all);
  EXPECT_EQ(entry_command(entries[1], "127.0.0.1", "0", 4008),
            (std::vector<std::string>{"comet-continuations", "--address", "127.0.0.1", "--port", "0",
                                      "--resume", "direct", "--threads", "4008"}));
}

TEST(LoadgenManifest, CapacityOptionsAreLeftOutWhenNoCapacityIsAsked) {
  const auto entries = parse_manifest(kVariants, "patterns/continuations/pattern.json");
  EXPECT_EQ(entry_command(entries[0], "127.0.0.1", "8000", 0),
            (std::vector<std::string>{"comet-continuations", "--address", "127.0.0.1", "--port", "8000",
                                      "--resume", "redispatch"}));
}

TEST(LoadgenManifest, WithoutVariantsTheFolderIsOneEntry) {
  const auto entries = parse_manifest(kFloor, "peers/floor/pattern.json");
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].name, "floor");
  EXPECT_EQ(entries[0].group, "floor");
  EXPECT_FALSE(entries[0].keeps_all);
  EXPECT_TRUE(entries[0].keeps_part("stats"));
  EXPECT_FALSE(entries[0].keeps_part("cursor"));
}

TEST(LoadgenManifest, TheFolderAboveSaysWhetherAnEntryIsAPatternAPeerOrAStudents) {
  const std::string text = R"({"name": "x", "model": "m", "command": ["c"], "keeps": "all"})";
  EXPECT_EQ(parse_manifest(text, "/tree/patterns/x/pattern.json").front().group, "pattern");
  EXPECT_EQ(parse_manifest(text, "/tree/peers/x/pattern.json").front().group, "peer");
  EXPECT_EQ(parse_manifest(text, "/tree/labs/x/pattern.json").front().group, "student");
}

TEST(LoadgenManifest, TheFloorIsTheOneOfThatNameUnlessTheEntryOrItsVariantSays) {
  const std::string start = R"({"name": "x", "model": "m", "command": ["c"], "keeps": "all")";
  EXPECT_EQ(parse_manifest(start + "}", "patterns/x/pattern.json").front().floor, "floor");
  const auto entries =
      parse_manifest(start + R"(, "floor": "a", "variants": [{"name": "x1"}, {"name": "x2", "floor": "b"}]})",
                     "patterns/x/pattern.json");
  EXPECT_EQ(entries[0].floor, "a");
  EXPECT_EQ(entries[1].floor, "b");
  EXPECT_NE(
      complaint_about(start + R"(, "group": "floors"})").find("'group' is none of floor, pattern, peer, student"),
      std::string::npos);
}

TEST(LoadgenManifest, WhatAHeldRequestTakesIsOneDescriptorUnlessItSays) {
  const std::string start = R"({"name": "x", "model": "m", "command": ["c"], "keeps": "all", "held": )";
  const HeldCost none = parse_manifest(start + "{}}", "patterns/x/pattern.json").front().held;
  EXPECT_EQ(none.descriptors, 1);
  EXPECT_EQ(none.files, 1);
  const HeldCost cost =
      parse_manifest(start + R"({"descriptors": 0, "files": 3}})", "patterns/x/pattern.json").front().held;
  EXPECT_EQ(cost.descriptors, 0);
  EXPECT_EQ(cost.files, 3);
}

TEST(LoadgenManifest, ABudgetIsOfTheVariantOrElseOfTheManifestAndATextSaysWhyThereIsNone) {
  const auto entries = parse_manifest(
      R"({"name": "x", "model": "m", "command": ["c"], "keeps": "all", "budget": {"parse/poll": 1, "wake/a": 3},
          "variants": [{"name": "x-1"}, {"name": "x-2", "budget": "its wake is not measured"}]})",
      "patterns/x/pattern.json");
  EXPECT_EQ(entries[0].budget.mechanisms,
            (std::vector<std::pair<std::string, std::int64_t>>{{"parse/poll", 1}, {"wake/a", 3}}));
  EXPECT_TRUE(entries[1].budget.mechanisms.empty());
  EXPECT_EQ(entries[1].budget.left_out, "its wake is not measured");
  EXPECT_NE(
      complaint_about(
          R"({"name": "x", "model": "m", "command": ["c"], "keeps": "all", "budget": {"parse/poll": 0}})")
          .find("'budget' has no number from 1 to 1000 for 'parse/poll'"),
      std::string::npos);
}

TEST(LoadgenManifest, AMistakeIsAnsweredWithTheFileAndTheKey) {
  EXPECT_NE(complaint_about("{").find("patterns/x/pattern.json: is not JSON"), std::string::npos);
  EXPECT_NE(complaint_about(R"({"name": "x", "model": "m", "keeps": "all"})").find("'command' is missing"),
            std::string::npos);
  EXPECT_NE(complaint_about(R"({"name": "x", "model": "m", "command": ["c"]})").find("'keeps' is missing"),
            std::string::npos);
  EXPECT_NE(complaint_about(R"({"nmae": "x"})").find("unknown key 'nmae'"), std::string::npos);
  EXPECT_NE(complaint_about(R"({"name": "x", "model": "m", "command": "c", "keeps": "all"})")
                .find("'command' is no list"),
            std::string::npos);
}

TEST(LoadgenManifest, AllIsEveryPartAndAWrongPartIsAnsweredWithThem) {
  EXPECT_EQ(parse_manifest(kVariants, "patterns/x/pattern.json").front().keeps, contract_parts());
  const std::string complaint =
      complaint_about(R"({"name": "x", "model": "m", "command": ["c"], "keeps": ["subscribe", "publsh"]})");
  EXPECT_NE(complaint.find("'keeps' has an unknown part 'publsh': use some of subscribe, publish, "),
            std::string::npos)
      << complaint;
}

// A tree of manifests, away at its end.
class Tree {
 public:
  Tree() : root_("/tmp/comet-manifests-" + std::to_string(getpid())) {}
  ~Tree() { std::filesystem::remove_all(root_); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  void add(const std::string& file, const std::string& name) const {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << R"({"name": ")" << name
                                << R"(", "model": "m", "command": ["c"], "keeps": "all"})";
  }
  const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

TEST(LoadgenManifest, AreFoundTwoFoldersBelowTheRootUnderTwoKindsOfName) {
  const Tree tree;
  tree.add("peers/p/pattern.json", "peer");
  tree.add("patterns/a/pattern.json", "a");
  tree.add("patterns/a/minimal.pattern.json", "a-minimal");
  tree.add("labs/mine/pattern.json", "mine");
  tree.add("patterns/a/deeper/pattern.json", "too-deep");
  tree.add("patterns/pattern.json", "too-high");
  std::vector<std::string> names;
  const std::vector<Entry> all = find_entries(tree.root());
  for (const Entry& entry : all) names.push_back(entry.name);
  EXPECT_EQ(names, (std::vector<std::string>{"mine", "a", "a-minimal", "peer"}));
  EXPECT_EQ(select_entries(all, {}).size(), 2U)
      << "without a name it is the pattern.json of patterns and peers";
  EXPECT_EQ(select_entries(all, {"mine"}).size(), 1U);
}

TEST(LoadgenManifest, TwoEntriesOfOneNameAreAMistake) {
  const Tree tree;
  tree.add("patterns/a/pattern.json", "same");
  tree.add("patterns/b/pattern.json", "same");
  EXPECT_THROW(find_entries(tree.root()), UsageError);
}

std::vector<Entry> three_entries() {
  auto entries = parse_manifest(kVariants, "patterns/continuations/pattern.json");
  entries.push_back(parse_manifest(kFloor, "peers/floor/pattern.json").front());
  return entries;
}

TEST(LoadgenManifest, AFolderNameSelectsAllItsVariants) {
  const auto selected = select_entries(three_entries(), {"continuations"});
  ASSERT_EQ(selected.size(), 2u);
  EXPECT_EQ(selected[0].name, "continuations-redispatch");
}

TEST(LoadgenManifest, NoNamesSelectAllAndNoEntryTwice) {
  EXPECT_EQ(select_entries(three_entries(), {}).size(), 3u);
  EXPECT_EQ(select_entries(three_entries(), {"floor", "floor"}).size(), 1u);
  EXPECT_EQ(select_entries(three_entries(), {"continuations", "continuations-direct"}).size(), 2u);
}

TEST(LoadgenManifest, TheOrderOfTheNamesIsKeptWithTheFloorLast) {
  const auto selected =
      select_entries(three_entries(), {"floor", "continuations-direct", "continuations-redispatch"});
  ASSERT_EQ(selected.size(), 3u);
  EXPECT_EQ(selected[0].name, "continuations-direct");
  EXPECT_EQ(selected[1].name, "continuations-redispatch");
  EXPECT_EQ(selected[2].name, "floor");
}

TEST(LoadgenManifest, AnUnknownEntryIsAnsweredWithTheKnownOnes) {
  try {
    select_entries(three_entries(), {"floor", "flor"});
    FAIL() << "no error";
  } catch (const UsageError& error) {
    EXPECT_STREQ(
        error.what(),
        "unknown entry 'flor': use one or more of continuations-redispatch, continuations-direct, floor");
  }
}

}  // namespace
}  // namespace comet::loadgen
