// SVG as text.
#pragma once

#include <initializer_list>
#include <string>

namespace comet::loadgen {

// A coordinate or length: one decimal, and none if it is whole.
std::string svg_number(double number);

// For text between tags and in attributes.
std::string svg_escaped(const std::string& text);

struct Attribute {
  Attribute(const char* attribute, double number) : name(attribute), value(svg_number(number)) {}
  Attribute(const char* attribute, int number) : Attribute(attribute, static_cast<double>(number)) {}
  Attribute(const char* attribute, std::string text) : name(attribute), value(std::move(text)) {}
  Attribute(const char* attribute, const char* text) : name(attribute), value(text) {}
  const char* name;
  std::string value;
};

// <name attribute="value">content</name>. The content is taken as it is: escape text first.
std::string svg_tag(const char* name, std::initializer_list<Attribute> attributes,
                    const std::string& content = {});

// Text at its baseline. `css` is its class.
std::string svg_text(double x, double y, const char* css, const std::string& text,
                     const char* anchor = "start");

// A symbol of a mark with its centre at (x, y): ▲, ▼ or ◆ by `css`, which is send, receive or signal.
std::string svg_symbol(double x, double y, double size, const std::string& css, const std::string& tooltip);

}  // namespace comet::loadgen
