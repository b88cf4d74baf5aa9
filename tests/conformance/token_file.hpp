// A file with a publisher's token.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace comet::test {

inline const std::string kToken = "s3cret-Token/+=.~_";
inline const std::string kRightToken = "Authorization: Bearer " + kToken + "\r\n";

// A file of its own for each test, away at its end.
class TokenFile {
 public:
  explicit TokenFile(const std::string& content) {
    char name[] = "/tmp/comet-token-XXXXXX";
    const int file = mkstemp(name);
    if (file >= 0) close(file);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TokenFile() { std::filesystem::remove(path_); }
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace comet::test
