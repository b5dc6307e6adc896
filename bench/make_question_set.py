"""Writes a Parquet file like MTVQA's with the same number of questions for
every picture: the first ones of another file, whose questions go round.

    bench/make_question_set.py demo/data/mtvqa/test-00000-of-00001.parquet \\
        photos.parquet --pictures 6 --questions 3
"""

import argparse
import ast

import pyarrow as pa
import pyarrow.parquet as pq


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("out")
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("--questions", type=int, default=3)
    given = parser.parse_args()
    table = pq.read_table(given.source)
    pairs = [pair for literal in table.column("qa_pairs").to_pylist()
             for pair in ast.literal_eval(literal)]
    table = table.slice(0, given.pictures)
    literals = []
    for row in range(table.num_rows):
        first = row * given.questions
        literals.append(repr([pairs[(first + q) % len(pairs)]
                              for q in range(given.questions)]))
    column = table.schema.get_field_index("qa_pairs")
    pq.write_table(table.set_column(column, "qa_pairs", pa.array(literals)),
                   given.out)
    print(f"{given.out}: {table.num_rows} pictures, "
          f"{table.num_rows * given.questions} questions")


if __name__ == "__main__":
    main()
