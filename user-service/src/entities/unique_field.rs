/// A column whose values are unique without regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the columns of the same names")]
pub enum UniqueField {
    Username,
    Email,
}
