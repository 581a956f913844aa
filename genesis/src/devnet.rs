//! The development consortium.
mod data_bureau;
mod department;
mod health_commission;
mod market_regulation;
mod transport_bureau;

pub use data_bureau::DATA_BUREAU;
pub use department::*;
pub use health_commission::HEALTH_COMMISSION;
pub use market_regulation::MARKET_REGULATION;
pub use transport_bureau::TRANSPORT_BUREAU;
