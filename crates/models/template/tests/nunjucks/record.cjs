// Records what nunjucks 3.2.4 makes of the cases below: `npm install nunjucks@3.2.4 && node record.cjs > recorded.json`.
// `step` cases follow Backstage's rule for strings of steps: exactly one interpolation gives the native value, and
// what fails stays as it was written. `text` cases are skeleton files.
const nunjucks = require('nunjucks');

const context = {
  parameters: {
    name: 'Orders', empty: '', nothing: null, count: 3, price: 12.5, zero: 0, yes: true, no: false, big: 1e21,
    text: '  hello World, hello all  ', path: 'a/b/c', html: '<b>"x" & y</b>', lines: 'one\ntwo\n\nthree',
    list: ['b', 'a', 'C'], numbers: [3, 10, 2], nested: [[1, 2], [3, 4]], none: [], mixed: [1, null, 'x', true],
    map: { z: 1, a: 2, 'with-dash': 3 }, people: [{ n: 'bob', age: 30, t: 'x' }, { n: 'Al', age: 4, t: 'y' }, { n: 'cy', age: 30 }],
    deep: { a: { b: ['x', { c: 'found' }] } }, numeric: '42', float: '3.7', word: 'false', unicode: 'Zürich',
  },
  steps: { 'create-repo': { output: { remoteUrl: 'https://host/o/_git/r' } }, plain: { output: { n: 1 } } },
  user: { ref: 'user:default/alice', entity: { metadata: { name: 'alice' }, spec: { profile: { email: 'alice@example.com' } } } },
};

const expressions = `
parameters.name|parameters.missing|parameters.missing.deeper.still|missing|missing.x|parameters.nothing|parameters.count
parameters.list|parameters.map|parameters.yes|parameters.no|parameters.none|parameters.empty|parameters.zero|parameters.price|parameters.big
parameters['name']|parameters["na" + "me"]|parameters.list[0]|parameters.list[9]|parameters.deep.a.b[1].c|parameters.map['with-dash']
steps['create-repo'].output.remoteUrl|steps.create-repo.output.remoteUrl|steps.plain.output.n|steps.plain['output'].n + 1
parameters.list.length|parameters.name.length|parameters.map.length|parameters.unicode.length
1 + 2|1 + 2 * 3|(1 + 2) * 3|10 - 3 - 2|10 - 3 + 2|7 / 2|7 // 2|-7 // 2|7 % 3|-7 % 3|2 ** 3|2 ** 3 ** 2|2 * 3 % 4|10 / 2 * 3|1 / 0|0 / 0|-5|- 5 + 2|+'3'|-parameters.count
'a' + 1|1 + '2'|'3' * '4'|'a' * 2|'a' - 1|1 + parameters.nothing|1 + parameters.missing|'x' + parameters.missing|parameters.list + 'x'|parameters.map + ''|true + 1|parameters.yes + parameters.yes|[] + []|1.5 + 1.25|0.1 + 0.2
'a' ~ 'b'|1 ~ 2|'a' ~ parameters.missing ~ 'c'|'a' ~ parameters.nothing|parameters.name ~ '-' ~ parameters.count
1 == 1|1 == '1'|1 === '1'|1 != 2|1 !== '1'|parameters.nothing == parameters.missing|parameters.nothing === parameters.missing|parameters.zero == ''|parameters.zero == false|'' == false|parameters.list == 'b,a,C'|[1] == 1|'a' < 'b'|'B' < 'a'|'10' < '9'|'10' < 9|2 < 10|3 >= 3|3 <= 2|parameters.missing < 1|parameters.nothing < 1|none == null
true and false|true or false|parameters.name and parameters.count|parameters.empty or 'fallback'|parameters.missing or 'x'|not true|not parameters.missing|not parameters.empty and true|parameters.no or parameters.zero|not not 'x'|parameters.none and 'empty list is true'
'a' in parameters.list|'q' in parameters.list|'q' not in parameters.list|'Ord' in parameters.name|'a' in parameters.map|2 in parameters.numbers|'2' in parameters.numbers|not 'a' in parameters.list|1 in 5
'yes' if parameters.yes else 'no'|'yes' if parameters.no else 'no'|'yes' if parameters.no|'x' if parameters.missing|1 if true else 2|'a' if 1 == 1 and 2 == 3 else 'b'
parameters.name is defined|parameters.missing is defined|parameters.missing is not defined|parameters.missing is undefined|parameters.nothing is null|parameters.nothing is none|parameters.count is number|parameters.name is string|3 is odd|4 is even|9 is divisibleby(3)|9 is divisibleby 3|parameters.list is iterable|parameters.map is mapping|parameters.list is mapping|parameters.name is upper|'abc' is lower|5 is gt(3)|5 is lt 3|5 is ge(5)|5 is eq(5)|5 is ne(5)|5 is sameas(5)|parameters.empty is falsy|parameters.empty is truthy|parameters.name is nosuch|parameters.list.join is callable|5 is greaterthan(2)
[1, 'a', parameters.name]|[]|[1,2,]|{a: 1, 'b': parameters.count}|{}|{a: [1, {b: 2} ]}|[parameters.missing]|{a: parameters.missing, b: 1}|(1, 2)|{1: 2}|[[1],[2]]
'it\\'s'|"dq \\"x\\""|'tab\\tnew\\nline'|'back\\\\slash'|'\\q'
r/a/.test('abc')|r/^o/i.test(parameters.name)
parameters.name | lower|parameters.name | upper|parameters.text | trim|parameters.text | capitalize|parameters.text | title|parameters.name | length|parameters.list | length|parameters.map | length|parameters.missing | length|parameters.count | length
parameters.missing | default('d')|parameters.nothing | default('d')|parameters.nothing | default('d', true)|parameters.empty | default('d')|parameters.empty | default('d', true)|parameters.empty | d('q', true)|parameters.name | default('d')
parameters.list | join|parameters.list | join(', ')|parameters.people | join('-', 'n')|parameters.mixed | join('.')|parameters.name | join('-')
parameters.list | first|parameters.list | last|parameters.none | first|parameters.name | first|parameters.name | last|parameters.missing | first
parameters.list | reverse|parameters.name | reverse|parameters.list | sort|parameters.list | sort(true)|parameters.list | sort(false, true)|parameters.numbers | sort|parameters.people | sort(false, false, 'age')|parameters.people | sort(attribute='n')|parameters.people | sort(reverse=true, attribute='age')
parameters.numbers | sum|parameters.people | sum('age')|parameters.people | sum(attribute='age')|parameters.numbers | sum('x', 5)|parameters.list | sum
parameters.text | replace('hello', 'bye')|parameters.text | replace('hello', 'bye', 1)|parameters.name | replace('', '.')|parameters.count | replace(3, 'x')|parameters.name | replace(r/[aeiou]/g, '*')|parameters.name | replace(r/(d)(e)/, '$2$1')|parameters.list | replace('a', 'b')|parameters.name | replace('x', 'y')|parameters.name | replace('O', 5)
parameters.map | dump|parameters.map | dump(2)|parameters.missing | dump|parameters.name | dump|parameters.list | dump('--')
parameters.path | urlencode|'a b&c=d/é' | urlencode|parameters.map | urlencode|[['a', 1], ['b c', 2]] | urlencode|parameters.nothing | urlencode
parameters.lines | indent|parameters.lines | indent(2)|parameters.lines | indent(2, true)|parameters.lines | nl2br|parameters.empty | indent
parameters.numeric | int|parameters.float | int|parameters.float | float|'x' | int|'x' | int(7)|'ff' | int(0, 16)|'ff' | int(base=16)|'3px' | float|'x' | float(1.5)|parameters.list | int
4.5 | round|5.5 | round|-4.5 | round|3.14159 | round(2)|3.14159 | round(2, 'floor')|3.1 | round(0, 'ceil')|parameters.numeric | round|-3 | abs|'-3' | abs
parameters.text | truncate(10)|parameters.text | truncate(10, true)|parameters.text | truncate(10, true, '')|parameters.text | truncate(100)|parameters.text | wordcount|'' | wordcount|'Al' | center(6)|'Bob' | center(6)|'Bob' | center(9)|'longer text' | center(3)
parameters.numbers | batch(2)|parameters.numbers | batch(2, 'x')|parameters.numbers | slice(2)|parameters.numbers | slice(2, 'x')|parameters.list | list|parameters.name | list|parameters.map | list|5 | list
parameters.map | dictsort|parameters.map | dictsort(false, 'value')|parameters.list | dictsort|parameters.people | groupby('age')|parameters.people | groupby('t')
parameters.people | selectattr('t')|parameters.people | rejectattr('t')|parameters.numbers | select('odd')|parameters.numbers | reject('odd')|parameters.numbers | select('gt', 2)|parameters.mixed | select|parameters.numbers | select('nosuch')
'<p>a  <b>b</b></p> c' | striptags|'<p>a</p>\\n\\n\\n\\n<p>b</p>' | striptags(true)|'see www.example.com now' | urlize|'mail alice@example.com, or http://example.com/x.' | urlize|'example.org/x' | urlize(5)
parameters.count | string|parameters.nothing | string|parameters.list | string|parameters.count | upper|parameters.nothing | upper|parameters.no | upper|parameters.nothing | trim|parameters.count | trim|parameters.list | lower
parameters.name | nosuch|parameters.name | lower | nosuch|parameters.name | to_json|parameters.list | map('x')|parameters.name | lower | upper | first
-1 | abs|1 + 2 | abs|'a' ~ 'B' | lower|not parameters.list | length|parameters.name | lower == 'orders'|(parameters.list | length) > 2|parameters.list | length > 2
parameters.path.split('/')|parameters.path.split('/')[1]|parameters.path.split('/').length|parameters.path.split('')|parameters.path.split('/', 2)|parameters.path.split()|parameters.path.split(r/\\//)|parameters.name.toLowerCase()|parameters.name.toUpperCase().charAt(0)|parameters.name.charAt(99)|parameters.name.charCodeAt(0)|parameters.name.concat('-', 1)|parameters.name.endsWith('rs')|parameters.name.startsWith('Or')|parameters.name.startsWith('d', 2)|parameters.name.includes('der')|parameters.name.indexOf('r')|parameters.name.indexOf('r', 2)|parameters.name.lastIndexOf('r')|parameters.name.replace('r', 'R')|parameters.name.replace(r/r/g, 'R')|parameters.name.replaceAll('r', '_')|parameters.name.slice(1, 3)|parameters.name.slice(-2)|parameters.name.slice(2)|parameters.name.substring(3, 1)|parameters.name.substring(2)|parameters.name.substr(1, 2)|parameters.text.trim()|parameters.text.trimStart()|parameters.text.trimEnd()|parameters.name.padStart(8, '*-')|parameters.name.padEnd(8)|parameters.name.repeat(2)|parameters.name.match(r/[a-z]/g)|parameters.name.match('(r)(d)')|parameters.name.match(r/q/)|parameters.name[0]
parameters.price.toFixed(2)|parameters.price.toFixed()|parameters.count.toString()|parameters.price.toExponential(1)|parameters.price.toPrecision(2)|(1234.5678).toFixed(2)|parameters.count.toPrecision(3)
parameters.list.at(-1)|parameters.list.concat(['d'], 'e')|parameters.nested.flat()|parameters.list.includes('a')|parameters.list.indexOf('C')|parameters.list.indexOf('z')|parameters.list.lastIndexOf('a')|parameters.list.join()|parameters.list.join(' ')|parameters.list.slice(1)|parameters.list.slice(-1)|parameters.list.slice(0, 2)|[3,1,10].sort()|[1,2,3].reverse()|[1,2].push(3)|[1,2,3].pop()|[1,2,3].shift()|[1,2].unshift(0)|[1,2,3,4].splice(1, 2)|[1,2,3].fill(0)|[1,2,3,4].copyWithin(0, 2)
parameters.name()|nosuch()|parameters.nosuch()|parameters.map.z()|parameters.name.nosuch()
range(3)|range(1, 4)|range(0, 10, 3)|range(3, 0, -1)|range(0)
parameters.yes ? 'a' : 'b'|parameters.yes && parameters.no|parameters.yes QQ parameters.no|!parameters.yes|parameters.missing ?? 'x'|parameters.list.map(x => x)|parameters.|parameters..name|1 +|(1|[1|'open|parameters.name filter|parameters.list[|@x|1 = 2|parameters?.name|a if|not|in x
user.ref|user.entity.metadata.name|user.entity.spec.profile.email.split('@')[0]|user.missing.email
not 1 == 2|not parameters.count == 3|not 5 > 3|not (5 == 3)|not parameters.name is defined|not 'a' ~ 'b'|1 ~ 2 + 3|1 + 2 ~ 3|1 ~ 2 * 3|1 ~ 5 - 2|'a' + 1 - 1|2 * 10 / 4|10 % 4 * 2|2 * 7 // 2|7 // 2 * 2|not parameters.list == 'b,a,C'|{a: 1,}|range(3,)|12.35.toFixed(1)|9.996.toPrecision(3)|(9.995).toFixed(2)|(25).toPrecision(1)|(0.00001234).toExponential(2)|parameters.missing | urlencode|none|null|true|false|1.50|007|1e3|parameters.none == []|parameters.list[1 + 1]|parameters['li' ~ 'st'] | first
`.trim();

const steps = [];
for (const line of expressions.split('\n')) {
  // A bar without blanks separates cases; QQ stands for two bars.
  for (const expression of line.split(/(?<! )\|(?! )/)) {
    steps.push('${{ ' + expression.replaceAll('QQ', '||') + ' }}');
  }
}
steps.push(
  'plain', '', '$-env', '${{parameters.name}}', ' ${{ parameters.count }}', '${{ parameters.count }} ', '${{ parameters.count }}x',
  'a-${{ parameters.list }}-b', 'a-${{ parameters.map }}-b', 'a-${{ parameters.missing }}-b', 'a-${{ parameters.nothing }}-b',
  '${{ parameters.name }}${{ parameters.count }}', 'x ${{ parameters.yes }} y', 'x ${{ parameters.name | nosuch }} y',
  'environments/${{ parameters.name | lower }}.yaml', '${{ "a" }}-${{ parameters.price }}', '{{ parameters.name }}', '${ parameters.name }',
  '${{ parameters.mixed }} !', '${{ parameters.nested }}!', 'a {# note #} b', '{% if parameters.yes %}on{% else %}off{% endif %}',
  '{% for x in parameters.list %}${{ x }};{% endfor %}', '{% if parameters.yes %}', 'a {# open', '${{ parameters.name', '${{- parameters.name -}}',
  'a  ${{- parameters.name -}}  b', '${{ { "a": { "b": 1 } } }}', '${{ {"a": {"b": 1} } }}', '${{\n parameters.name\n}}', '${{ parameters.name }}\n',
  '${{ parameters.name # c }}', '{% include "x" %}', '$${{ parameters.name }}', '{${{ parameters.name }}}', '${{ }}', '${{ {} }}',
);

const texts = [
  'Hello ${{ parameters.name }}!\n', '{% if parameters.no %}a{% elif parameters.yes %}b{% else %}c{% endif %}', '{% if parameters.missing %}a{% endif %}.',
  '{% for x in parameters.list %}${{ loop.index }}/${{ loop.length }}:${{ x }}{% if not loop.last %}, {% endif %}{% endfor %}',
  '{% for x in parameters.none %}x{% else %}nothing{% endfor %}', '{% for k, v in parameters.map %}${{ k }}=${{ v }};{% endfor %}',
  '{% for a, b in parameters.nested %}${{ a }}-${{ b }};{% endfor %}', '{% for x in parameters.map %}x{% else %}none{% endfor %}',
  '{% for c in "abc" %}[${{ c }}]{% endfor %}', '{% for x in parameters.missing %}x{% endfor %}ok', '{% for x in 5 %}x{% else %}e{% endfor %}',
  '{% for x in parameters.list %}${{ loop.index0 }}${{ loop.revindex }}${{ loop.revindex0 }}${{ loop.first }}${{ loop.last }} {% endfor %}',
  '{% set x = 1 %}${{ x }}', '{% set x, y = 2 %}${{ x + y }}', '{% set x %}in ${{ parameters.name }}{% endset %}<${{ x }}>',
  '{% set n = 0 %}{% for x in parameters.list %}{% set n = n + 1 %}{% endfor %}${{ n }}', '{% for x in parameters.list %}{% set m = x %}{% endfor %}[${{ m }}]',
  '{% if parameters.yes %}{% set q = 5 %}{% endif %}${{ q }}', '{% set l = [] %}{% for x in parameters.numbers %}{% if l.push(x * 2) %}{% endif %}{% endfor %}${{ l | dump }}',
  '{% macro m(a, b=2) %}${{ a }}+${{ b }}{% endmacro %}${{ m(1) }} ${{ m(1, 3) }} ${{ m(b=5, a=4) }} ${{ m() }}', '{% macro f() %}${{ parameters.name }}{% endmacro %}${{ f() }}',
  '{% set out = 1 %}{% macro f() %}${{ out }}{% endmacro %}${{ f() }}', '{% macro w(t) %}<${{ t }}>${{ caller() }}</${{ t }}>{% endmacro %}{% call w("b") %}x${{ parameters.count }}{% endcall %}',
  '{% macro w() %}${{ caller(1, 2) }}{% endmacro %}{% call(a, b) w() %}${{ a }}${{ b }}{% endcall %}', '{% filter upper %}a ${{ parameters.name }}{% endfilter %}', '{% filter replace("a", "b") %}banana{% endfilter %}',
  '{% switch parameters.name %}{% case "x" %}1{% case "Orders" %}2{% default %}3{% endswitch %}', '{% switch parameters.count %}{% case 3 %}{% case 4 %}four{% default %}d{% endswitch %}', '{% switch 9 %}{% case 3 %}t{% default %}d{% endswitch %}', '{% switch 9 %}{% case 3 %}t{% endswitch %}.',
  '{% raw %}${{ untouched }} {% if %}{% endraw %}', '{% verbatim %}${{ x }}{% endverbatim %}', '{% raw %}a{% raw %}b{% endraw %}c{% endraw %}', '{% block top %}x${{ parameters.count }}{% endblock %}', '{% block top %}x{% endblock top %}',
  'a {#- note -#} b', 'a\n{%- if true -%}\n b \n{%- endif -%}\nc', 'a ${{- "x" -}} b', '{# c #}\nx', '{% if true %}\nx\n{% endif %}\ny', '  {% if true %}x{% endif %}\n',
  '{% nosuch %}', '{% if %}x{% endif %}', '{% if true %}x', '{% endif %}', '{% for in x %}{% endfor %}', '{% set %}', '{% include "a" %}', '{% extends "a" %}', '{% import "a" as b %}', '${{ parameters.name | nosuch }}', '${{ x( }}', '{% for x in parameters.list %}a{% endif %}',
  '${{ parameters.missing.a.b }}|', '${{ [1, [2, 3], null, undefined] }}', '${{ {a: 1} }}', '${{ 1e21 }} ${{ parameters.big }}', '${{ 1 / 3 }}', '{% set c = cycler("a", "b") %}${{ c.next() }}${{ c.next() }}${{ c.next() }}', '{% set j = joiner() %}${{ j() }}a${{ j() }}b${{ j() }}c', '{% set j = joiner("; ") %}${{ j() }}a${{ j() }}b',
  '{% for i in range(3) %}{% for j in range(i) %}${{ loop.index }}{% endfor %};{% endfor %}', '{{ not_ours }} ${not} $ {x}', '{% if parameters.list | length > 2 and "a" in parameters.list %}y{% endif %}', '${{ "a" if parameters.no }}|', '{% if parameters.name == "Orders" -%}   x   {%- endif %}', '${{ parameters.html | escape }}', '${{ parameters.html | e | upper }}', '${{ parameters.html | safe }}', '${{ parameters.lines | indent(4) }}',
];

const blocks = [
  '{% if true %}\nx\n{% endif %}\ny\n', '  {% if true %}\n  x\n  {% endif %}\ny\n', 'a {% if true %}b{% endif %}\nc', '{# c #}\nx', '\t{% set x = 1 %}\n${{ x }}\n', 'a\n  {%- if true %}\n b\n{% endif %}', '${{ 1 }}\n${{ 2 }}\n',
];

const slices = ['list[1:]', 'list[:2]', 'list[0:2]', 'list[-1:]', 'list[::2]', 'list[::-1]', 'list[:]', 'name[0:3]', 'list[1:99]', 'list[5:]'];

const environment = options => {
  const made = new nunjucks.Environment(null, { autoescape: false, tags: { variableStart: '${{', variableEnd: '}}' }, ...options });
  return made;
};
const plain = environment({});

const isSingle = text => {
  const { parser, nodes } = nunjucks;
  const tree = parser.parse(text, [], { autoescape: false, tags: { variableStart: '${{', variableEnd: '}}' } });
  return tree.children.length === 1 && tree.children[0] instanceof nodes.Output && tree.children[0].children.length === 1
    && !(tree.children[0].children[0] instanceof nodes.TemplateData);
};

const step = text => {
  try {
    if (isSingle(text)) {
      const inner = text.substring(3, text.length - 2);
      const rendered = plain.renderString('${{ (' + inner + ') | dump }}', context);
      return rendered === '' ? { undefined: true } : { value: JSON.parse(rendered) };
    }
  } catch { /* as upstream: try it as a text */ }
  try {
    return { value: plain.renderString(text, context) };
  } catch {
    return { fails: true };
  }
};
const text = (made, template) => {
  try {
    return { value: made.renderString(template, context) };
  } catch {
    return { fails: true };
  }
};

const cases = [
  ...steps.map(template => ({ mode: 'step', template, ...step(template) })),
  ...texts.map(template => ({ mode: 'text', template, ...text(plain, template) })),
  ...blocks.map(template => ({ mode: 'trim', template, ...text(environment({ trimBlocks: true, lstripBlocks: true }), template) })),
];
nunjucks.installJinjaCompat();
for (const slice of slices) {
  const template = '${{ parameters.' + slice + ' }}';
  cases.push({ mode: 'step', template, ...step(template) });
}
process.stdout.write(JSON.stringify({ nunjucks: '3.2.4', context, cases }, null, 1) + '\n');
