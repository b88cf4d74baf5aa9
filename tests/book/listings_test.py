"""Which lines a listing has."""
import project

SOURCE = '''#include <string>

namespace a {
// Not of what follows.

// Step 1: first. A brace in a comment: {
// Second line.
int first(int x) {
  const char* text = "} // not the end";
  const char brace = '}';
  if (x > 1'000) { return first(x - 1); }
  return text[0] + brace + R"(})" [0];  // }
}

int first_declared(int);
int calls() { return first_declared(first(1)); }

struct Point {
  explicit Point(int x) : x_(x), y_{x} { shift(); }
  ~Point() {}
  // Moves it.
  template <typename T>
  void shift(T by = {}) const noexcept {
    x_ += by;
  }
  auto size() const -> int { return x_; }

 private:
  int x_, y_;
};

class Line : public Point {
 public:
  void draw() override { shift(); }
  int operator()(int) { return 1; }
};

void Line::extend(int by)
{
  shift(by);
}

struct Other { void draw() {} };
#define BROKEN {
}  // namespace a
'''


class Listings(project.Project):
    def listing(self, names, file="a.cpp", source=SOURCE):
        self.file(file, source)
        text = self.weave(f"<!-- listing {file}: {names} -->\n<!-- end -->\n")
        lines = text.splitlines()
        self.assertEqual((lines[1][:3], lines[-2], lines[-1]), ("```", "```", "<!-- end -->"))
        return lines[2:-2]

    def test_a_function_with_the_comment_directly_above_it(self):
        lines = self.listing("first")
        self.assertEqual((lines[0], lines[2], lines[-1]), ("// Step 1: first. A brace in a comment: {",
                                                           "int first(int x) {", "}"))
        self.assertEqual(len(lines), 8)

    def test_a_step(self):
        self.assertEqual(self.listing("Step 1"), self.listing("first"))

    def test_a_function_of_one_line(self):
        self.assertEqual(self.listing("calls"), ["int calls() { return first_declared(first(1)); }"])

    def test_a_method_moved_to_the_left_with_its_template_line(self):
        self.assertEqual(self.listing("shift"), ["// Moves it.", "template <typename T>",
                                                 "void shift(T by = {}) const noexcept {", "  x_ += by;", "}"])

    def test_a_constructor_with_initializers(self):
        self.assertEqual(self.listing("Point::Point"), ["explicit Point(int x) : x_(x), y_{x} { shift(); }"])

    def test_a_destructor_and_a_trailing_return_type(self):
        self.assertEqual(self.listing("~Point, size"), ["~Point() {}", "", "auto size() const -> int { return x_; }"])

    def test_one_of_several_by_its_class(self):
        self.assertEqual(self.listing("Line::draw"), ["void draw() override { shift(); }"])
        self.assertEqual(self.listing("a::Line::extend")[0], "void Line::extend(int by)")

    def test_types(self):
        self.assertEqual(self.listing("struct Other"), ["struct Other { void draw() {} };"])
        self.assertEqual(self.listing("class Line")[0], "class Line : public Point {")
        self.assertEqual(self.listing("class Line")[-1], "};")

    def test_a_whole_file(self):
        self.file("start", "#!/bin/sh\nexec true\n")
        self.assertEqual(self.weave("<!-- listing start -->\n<!-- end -->\n"),
                         "<!-- listing start -->\n```sh\n#!/bin/sh\nexec true\n```\n<!-- end -->\n")

    def test_python_by_indentation(self):
        source = "import x\n\n# Adds.\ndef add(a):\n    if a:\n\n        return 1\n    return 2\n\n\ndef other():\n    pass\n"
        self.assertEqual(self.listing("add", "a.py", source),
                         ["# Adds.", "def add(a):", "    if a:", "", "        return 1", "    return 2"])

    def test_erlang_to_the_full_stop(self):
        source = "go() -> add(1.5).\n\n% Adds.\nadd(0) -> 0;\nadd(N) ->\n    N + 1.5. % done\nother() -> 1.\n"
        self.assertEqual(self.listing("add", "a.erl", source), ["% Adds.", "add(0) -> 0;", "add(N) ->", "    N + 1.5. % done"])

    def test_javascript_java_and_go(self):
        self.assertEqual(self.listing("hold", "a.js", "// Holds.\nfunction hold(a) {\n  b(`}`);\n}\nhold(1);\n"),
                         ["// Holds.", "function hold(a) {", "  b(`}`);", "}"])
        self.assertEqual(self.listing("hold", "A.java", "class A {\n  void hold(int a) throws X {\n    b();\n  }\n}\n"),
                         ["void hold(int a) throws X {", "  b();", "}"])
        self.assertEqual(self.listing("hold", "a.go", "func (s *S) hold(a int) (int, error) {\n\treturn 1, nil\n}\n"),
                         ["func (s *S) hold(a int) (int, error) {", "\treturn 1, nil", "}"])

    def test_a_step_of_a_script_in_lua_to_the_blank_line(self):
        source = 'auto script = R"lua(\n-- Step 1: look.\nlocal a = 1\n\n-- Step 2: write.\n-- At once.\nreturn a\n)lua";\n'
        self.file("a.cpp", source)
        self.assertEqual(self.weave("<!-- listing a.cpp: Step 1, Step 2 -->\n<!-- end -->\n"),
                         "<!-- listing a.cpp: Step 1, Step 2 -->\n```lua\n-- Step 1: look.\nlocal a = 1\n\n"
                         "-- Step 2: write.\n-- At once.\nreturn a\n```\n<!-- end -->\n")

    def test_a_section_of_haproxys_file_to_the_blank_line(self):
        source = "defaults\n    mode http\n\n# Asked first.\nbackend a\n    # One.\n    server b\n.endif\n\nbackend a2\n    server c\n"
        self.assertEqual(self.listing("backend a", "a.cfg", source),
                         ["# Asked first.", "backend a", "    # One.", "    server b", ".endif"])
        self.assertIn("a.cfg has no section backend b", self.problem("<!-- listing a.cfg: backend b -->\n<!-- end -->\n"))

    def test_what_is_refused(self):
        self.file("a.cpp", SOURCE)
        for names, said in ((": nothing", "a.cpp has no definition of nothing"),
                            (": first_declared", "a.cpp has no definition of first_declared"),
                            (": draw", "defines draw in lines 34, 43: say which, as in Class::draw"),
                            (": Step 9", "a.cpp has no comment Step 9")):
            self.assertIn(said, self.problem(f"<!-- listing a.cpp{names} -->\n<!-- end -->\n"))
        self.assertIn("no file b.cpp", self.problem("<!-- listing b.cpp -->\n<!-- end -->\n"))


if __name__ == "__main__":
    project.main()
