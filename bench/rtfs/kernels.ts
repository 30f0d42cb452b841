/** One computation, written in each language in the way that is usual there. */
export interface Kernel {
  readonly name: string;
  /** An expression; evaluated anew in each round, analysed once. */
  readonly rtfs: string;
  readonly javascript: () => unknown;
  /** A function of no arguments, for the Lisp from npm. */
  readonly clojure: string;
  /** What all three give. */
  readonly value: number;
}

function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

const range = (end: number): number[] => Array.from({ length: end }, (_, index) => index);

interface Item {
  readonly id: number;
  readonly name: string;
  readonly tags: readonly string[];
  readonly score: number;
}

function isItem(value: Partial<Item>): boolean {
  return (
    Number.isInteger(value.id) &&
    typeof value.name === "string" &&
    value.name.length >= 1 &&
    Array.isArray(value.tags) &&
    value.tags.every((tag) => typeof tag === "string") &&
    typeof value.score === "number" &&
    value.score >= 0 &&
    value.score <= 100
  );
}

export const KERNELS: readonly Kernel[] = [
  {
    name: "fib 25",
    rtfs: "(do (defn fib [n] (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (fib 25))",
    javascript: () => fib(25),
    clojure: "(defn fib [n] (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (fn [] (fib 25))",
    value: 75_025,
  },
  {
    name: "loop of 100,000 steps by reduce",
    rtfs: "(reduce (fn [sum i] (+ sum (* i 2))) 0 (range 100000))",
    javascript: () => range(100_000).reduce((sum, i) => sum + i * 2, 0),
    clojure: "(fn [] (reduce (fn [sum i] (+ sum (* i 2))) 0 (range 100000)))",
    value: 9_999_900_000,
  },
  {
    name: "map and filter over 20,000 items",
    rtfs: "(count (filter (fn [x] (= 0 (mod x 3))) (map (fn [x] (+ x 7)) (filter even? (range 20000)))))",
    javascript: () =>
      range(20_000)
        .filter((x) => x % 2 === 0)
        .map((x) => x + 7)
        .filter((x) => x % 3 === 0).length,
    clojure: "(fn [] (count (filterv (fn [x] (= 0 (mod x 3))) (mapv (fn [x] (+ x 7)) (filterv even? (range 20000))))))",
    value: 3_333,
  },
  {
    name: "a text of 10,000 pieces",
    rtfs: '(string-length (reduce (fn [text i] (str text "item " i ", ")) "" (range 10000)))',
    javascript: () => range(10_000).reduce((text, i) => `${text}item ${i}, `, "").length,
    clojure: '(fn [] (count (reduce (fn [text i] (str text "item " i ", ")) "" (range 10000))))',
    value: 108_890,
  },
  {
    name: "2,000 records made and validated",
    rtfs: `(do
      (defn valid? [item : [:map [:id :int] [:name [:and :string [:min-length 1]]] [:tags [:vector :string]]
                                 [:score [:and :float [:in-range 0 100]]]]] true)
      (count (filter valid? (map (fn [i] {:id i :name (str "n" i) :tags ["a" "b"] :score (mod i 100)}) (range 2000)))))`,
    javascript: () =>
      range(2_000)
        .map((i) => ({ id: i, name: `n${i}`, tags: ["a", "b"], score: i % 100 }))
        .filter(isItem).length,
    clojure: `(defn valid? [{:keys [id name tags score]}]
        (and (int? id) (string? name) (>= (count name) 1) (vector? tags) (every? string? tags)
             (number? score) (<= 0 score 100)))
      (fn [] (count (filterv valid? (mapv (fn [i] {:id i :name (str "n" i) :tags ["a" "b"] :score (mod i 100)}) (range 2000)))))`,
    value: 2_000,
  },
];
