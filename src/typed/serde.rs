//! serde: a lock is written and read as its data.

use super::{Mutex, ReentrantMutex, RwLock};
use crate::raw::LockPolicy;
use lock_api::{GetThreadId, RawMutex, RawRwLock};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

impl<R: RawMutex, P: LockPolicy, T: Serialize + ?Sized> Serialize for Mutex<R, P, T> {
    #[track_caller]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.lock().serialize(serializer)
    }
}

impl<'de, R: RawMutex, P: LockPolicy, T: Deserialize<'de>> Deserialize<'de> for Mutex<R, P, T> {
    #[track_caller]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Mutex::new(T::deserialize(deserializer)?))
    }
}

impl<R: RawRwLock, P: LockPolicy, T: Serialize + ?Sized> Serialize for RwLock<R, P, T> {
    #[track_caller]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.read().serialize(serializer)
    }
}

impl<'de, R: RawRwLock, P: LockPolicy, T: Deserialize<'de>> Deserialize<'de> for RwLock<R, P, T> {
    #[track_caller]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(RwLock::new(T::deserialize(deserializer)?))
    }
}

impl<R: RawMutex, G: GetThreadId, P: LockPolicy, T: Serialize + ?Sized> Serialize
    for ReentrantMutex<R, G, P, T>
{
    #[track_caller]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.lock().serialize(serializer)
    }
}

impl<'de, R: RawMutex, G: GetThreadId, P: LockPolicy, T: Deserialize<'de>> Deserialize<'de>
    for ReentrantMutex<R, G, P, T>
{
    #[track_caller]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(ReentrantMutex::new(T::deserialize(deserializer)?))
    }
}
