// Checks JSON Schema by RapidJSON: see result_schema.hpp. The only file that compiles RapidJSON.
#include "loadgen/results/result_schema.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <stdexcept>

namespace comet::loadgen {
namespace {

std::string text_of(const rapidjson::Pointer& pointer) {
  rapidjson::StringBuffer buffer;
  pointer.Stringify(buffer);
  return buffer.GetSize() == 0 ? "/" : std::string(buffer.GetString(), buffer.GetSize());
}

rapidjson::Document parse(const std::string& text) {
  rapidjson::Document document;
  document.Parse(text.c_str(), text.size());
  return document;
}

// RapidJSON does not say which required member is missing.
std::string missing_member(const rapidjson::Value& rule, const rapidjson::Value& object) {
  for (const auto& name : rule["required"].GetArray())
    if (!object.HasMember(name)) return std::string("has no \"") + name.GetString() + "\"";
  return "lacks a member";
}

std::string reason(const std::string& keyword, const rapidjson::Value& rule, const rapidjson::Value& value) {
  if (keyword == "required") return missing_member(rule, value);
  if (keyword == "additionalProperties") return "is no member of a result file";
  rapidjson::StringBuffer allowed;
  rapidjson::Writer<rapidjson::StringBuffer> writer(allowed);
  if (rule.HasMember(keyword.c_str())) rule[keyword.c_str()].Accept(writer);
  return "breaks the schema's " + keyword + " " + allowed.GetString();
}

}  // namespace

std::optional<std::string> schema_fault(const std::string& text, const std::string& schema_text) {
  const rapidjson::Document schema = parse(schema_text);
  if (schema.HasParseError()) throw std::runtime_error("the schema is no JSON");
  const rapidjson::Document document = parse(text);
  if (document.HasParseError())
    return "/: is no JSON: " + std::string(rapidjson::GetParseError_En(document.GetParseError())) +
           " At byte " + std::to_string(document.GetErrorOffset());
  const rapidjson::SchemaDocument rules(schema);
  rapidjson::SchemaValidator validator(rules);
  if (document.Accept(validator)) return std::nullopt;
  const auto place = validator.GetInvalidDocumentPointer();
  const rapidjson::Value* rule = validator.GetInvalidSchemaPointer().Get(schema);
  const rapidjson::Value* value = place.Get(document);
  const std::string keyword = validator.GetInvalidSchemaKeyword();
  if (rule == nullptr || value == nullptr) return text_of(place) + ": breaks the schema's " + keyword;
  return text_of(place) + ": " + reason(keyword, *rule, *value);
}

}  // namespace comet::loadgen
