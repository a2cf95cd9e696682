import { expect, test } from "vitest";
import { exampleFor, patternReason } from "./pattern";

const NAME = "^(?!(postgres|template0|template1)$)[a-z]([a-z0-9-]*[a-z0-9])?$";
const LOGIN = "^(?!pg_)(?!(admin|root|sa)$)[a-z_][a-z0-9_]*$";

test.each<[string, string, string]>([
  [NAME, "Not a name!", "may hold lower-case letters, digits and dashes only, not “N”, spaces or “!”, for example not-a-name"],
  [NAME, "1st", "must begin with lower-case letters, for example st"],
  [NAME, "orders-", "must end with lower-case letters or digits, for example orders"],
  [NAME, "postgres", "“postgres” is reserved, choose another name"],
  [LOGIN, "pg_me", "must not begin with “pg_”"],
  [LOGIN, "admin", "“admin” is reserved, choose another name"],
  [LOGIN, "Alice Smith", "may hold lower-case letters, underscores and digits only, not “A”, spaces or “S”, for example alice_smith"],
  ["^\\d{4}-\\d{2}-\\d{2}$", "soon", "is not of the form that is expected, for example 2030-01-31"],
  ["^https://.+$", "example.com", "is not of the form that is expected, for example https://example.com"],
  ["^(small|large)$", "huge", "is not of the form that is expected"],
  ["^[A-Z]{3}$", "abcd", "may hold upper-case letters only, not “a”, “b”, “c” or “d”"],
  ["([", "x", "is not of the form that is expected"],
])("%s and %s", (pattern, value, words) => {
  expect(patternReason(pattern, value)).toBe(words);
});

test("an example always fits", () => {
  for (const pattern of [NAME, LOGIN, "^[A-Z][A-Za-z]+$", "^[a-z]+@[a-z.]+$"]) {
    expect(exampleFor(pattern, "Some Thing 9")).toMatch(new RegExp(pattern));
  }
});
