// What the labs' tests share.
#include "labs/tests/lab_test.hpp"

namespace comet::test {

std::string LabTest::random_word() {
  std::string word;
  for (int i = 0; i < 8; ++i) word += static_cast<char>('a' + random_() % 26);
  return word;
}

std::string LabTest::publish_request(const std::string& message, const std::string& channel) {
  return request("POST", "/publish?channel=" + channel, "Content-Type: text/plain\r\n", message);
}

// A thread that asks whether it is to stop sleeps, too, until it is answered.
void LabTest::wait_until_quiet(const Connection& connection) {
  do wait_until_settled(connection);
  while (pauses_.has_anybody_come());
}

}  // namespace comet::test
