// Dense linear algebra in double precision by Eigen 3.4 (MPL-2.0), as functions on row-major arrays.
// Each returns 0, or 1 where the iteration did not converge.
#include <Eigen/Dense>

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using In = Eigen::Map<const Rows>;
using Out = Eigen::Map<Rows>;
using Numbers = Eigen::Map<Eigen::VectorXd>;
using Eigen::MatrixXd;

namespace {
int state(Eigen::ComputationInfo info) { return info == Eigen::Success ? 0 : 1; }
}

extern "C" {

/** a [m, n] → s [min(m, n)], largest first. */
int singular_values(int m, int n, const double* a, double* s) {
  Eigen::BDCSVD<MatrixXd> svd(In(a, m, n));
  Numbers(s, std::min(m, n)) = svd.singularValues();
  return state(svd.info());
}

/** a [m, n] = u [m, k] · diag(s) · v [n, k]ᵀ. */
int svd(int m, int n, const double* a, double* u, double* s, double* v) {
  Eigen::BDCSVD<MatrixXd> svd(In(a, m, n), Eigen::ComputeThinU | Eigen::ComputeThinV);
  const int k = std::min(m, n);
  Numbers(s, k) = svd.singularValues();
  Out(u, m, k) = svd.matrixU();
  Out(v, n, k) = svd.matrixV();
  return state(svd.info());
}

/** Symmetric a [n, n] (its lower half is read) → w [n], smallest first. */
int symmetric_eigenvalues(int n, const double* a, double* w) {
  Eigen::SelfAdjointEigenSolver<MatrixXd> solver(In(a, n, n), Eigen::EigenvaluesOnly);
  Numbers(w, n) = solver.eigenvalues();
  return state(solver.info());
}

/** The same with the eigenvectors as the columns of v [n, n]. */
int symmetric_eigen(int n, const double* a, double* w, double* v) {
  Eigen::SelfAdjointEigenSolver<MatrixXd> solver(In(a, n, n));
  Numbers(w, n) = solver.eigenvalues();
  Out(v, n, n) = solver.eigenvectors();
  return state(solver.info());
}

/** a [n, n] → the real and imaginary parts of its eigenvalues, in no order. */
int eigenvalues(int n, const double* a, double* re, double* im) {
  Eigen::EigenSolver<MatrixXd> solver(In(a, n, n), false);
  Numbers(re, n) = solver.eigenvalues().real();
  Numbers(im, n) = solver.eigenvalues().imag();
  return state(solver.info());
}

/** a [m, n] = q [m, k] · r [k, n], r upper triangular. */
int qr(int m, int n, const double* a, double* q, double* r) {
  const int k = std::min(m, n);
  Eigen::HouseholderQR<MatrixXd> solver(In(a, m, n));
  Out(q, m, k) = solver.householderQ() * MatrixXd::Identity(m, k);
  Out(r, k, n) = MatrixXd(solver.matrixQR().topRows(k).triangularView<Eigen::Upper>());
  return 0;
}

/** Symmetric positive definite a [n, n] · x = b, x over b. */
int solve_positive(int n, const double* a, double* b) {
  Eigen::LLT<MatrixXd> solver(In(a, n, n));
  Numbers(b, n) = solver.solve(Numbers(b, n));
  return state(solver.info());
}

/** Squared Frobenius norms of the blocks [h, w] of a [m, k] · b [k, n] → s [m / h, n / w]: the product in single precision, its squares added in double. */
int block_squares(int m, int k, int n, int h, int w, const float* a, const float* b, double* s) {
  using Singles = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Singles c(m, n);
  c.noalias() = Eigen::Map<const Singles>(a, m, k) * Eigen::Map<const Singles>(b, k, n);
  for (int i = 0; i < m / h; i++) {
    for (int j = 0; j < n / w; j++) {
      s[i * (n / w) + j] = c.block(i * h, j * w, h, w).cast<double>().squaredNorm();
    }
  }
  return 0;
}

/** c [m, n] = a [m, k] · b [k, n]. */
int multiply(int m, int k, int n, const double* a, const double* b, double* c) {
  Out(c, m, n).noalias() = In(a, m, k) * In(b, k, n);
  return 0;
}

}
